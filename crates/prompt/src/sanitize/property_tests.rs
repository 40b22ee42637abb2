//! Rules that hold for any text.
