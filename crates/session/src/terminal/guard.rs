//! What stands between the parser and the emulator: the emulator keeps whatever it is given, and a
//! program must not fill the memory with it.

use alacritty_terminal::{
    Term,
    event::{Event, EventListener},
    term::{TermMode, cell::Flags},
    vte::ansi::{
        Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
        KeyboardModesApplyBehavior, LineClearMode, Mode, ModifyOtherKeys, PrivateMode, Rgb,
        ScpCharPath, ScpUpdateMode, StandardCharset, TabulationClearMode, cursor_icon::CursorIcon,
    },
};
use unicode_width::UnicodeWidthChar;

use super::keyboard::{Keyboard, Stack};

/// Most characters without a width, such as accents, in one cell. No script stacks more.
pub(super) const MOST_MARKS: usize = 16;

/// Longest title that is kept, in characters.
pub(super) const LONGEST_TITLE: usize = 256;

/// Longest address of a link that is kept, in bytes; a cell with a longer one is no link.
pub(super) const LONGEST_LINK: usize = 2048;

/// The emulator, for the parser.
pub(super) struct Guard<'a, L> {
    pub term: &'a mut Term<L>,
    /// In which form the program wants its keys, which the emulator is not asked.
    pub keyboard: &'a mut Keyboard,
    /// Takes answers, in the order of those of the emulator.
    pub listener: &'a L,
}

impl<L: EventListener> Guard<'_, L> {
    /// How keys are sent while the present screen is shown.
    fn keyboard(&mut self) -> &mut Stack {
        let alternate = self.term.mode().contains(TermMode::ALT_SCREEN);
        self.keyboard.of_mut(alternate)
    }

    /// The cell that takes a character without a width can take one more. It is found as the
    /// emulator finds it.
    fn takes_mark(&self) -> bool {
        let grid = self.term.grid();
        let mut place = grid.cursor.point;
        if !grid.cursor.input_needs_wrap {
            place.column.0 = place.column.saturating_sub(1);
        }
        if grid[place].flags.contains(Flags::WIDE_CHAR_SPACER) {
            place.column.0 = place.column.saturating_sub(1);
        }
        let marks = grid[place].zerowidth();
        marks.is_none_or(|marks| marks.len() < MOST_MARKS)
    }
}

/// Methods that only pass on what they are given. The list must be whole: what is not in it would do
/// nothing.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $name(&mut self, $($argument: $type),*) {
            self.term.$name($($argument),*);
        })*
    };
}

impl<L: EventListener> Handler for Guard<'_, L> {
    fn input(&mut self, c: char) {
        if c.is_ascii() || c.width() != Some(0) || self.takes_mark() {
            self.term.input(c);
        }
    }

    fn set_title(&mut self, title: Option<String>) {
        let title = title.map(|title| title.chars().take(LONGEST_TITLE).collect());
        self.term.set_title(title);
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        let short = |link: &Hyperlink| {
            let id = link.id.as_ref().map_or(0, String::len);
            id + link.uri.len() <= LONGEST_LINK
        };
        self.term.set_hyperlink(link.filter(short));
    }

    fn report_keyboard_mode(&mut self) {
        let flags = self.keyboard().flags().bits();
        let answer = format!("\x1b[?{flags}u");
        self.listener.send_event(Event::PtyWrite(answer));
    }

    fn push_keyboard_mode(&mut self, flags: KeyboardModes) {
        self.keyboard().push(flags);
    }

    fn pop_keyboard_modes(&mut self, count: u16) {
        self.keyboard().pop(count);
    }

    fn set_keyboard_mode(&mut self, flags: KeyboardModes, how: KeyboardModesApplyBehavior) {
        self.keyboard().set(flags, how);
    }

    fn reset_state(&mut self) {
        *self.keyboard = Keyboard::default();
        self.term.reset_state();
    }

    pass_on! {
        set_cursor_style(a: Option<CursorStyle>);
        set_cursor_shape(a: CursorShape);
        goto(a: i32, b: usize);
        goto_line(a: i32);
        goto_col(a: usize);
        insert_blank(a: usize);
        move_up(a: usize);
        move_down(a: usize);
        identify_terminal(a: Option<char>);
        device_status(a: usize);
        move_forward(a: usize);
        move_backward(a: usize);
        move_down_and_cr(a: usize);
        move_up_and_cr(a: usize);
        put_tab(a: u16);
        backspace();
        carriage_return();
        linefeed();
        bell();
        substitute();
        newline();
        set_horizontal_tabstop();
        scroll_up(a: usize);
        scroll_down(a: usize);
        insert_blank_lines(a: usize);
        delete_lines(a: usize);
        erase_chars(a: usize);
        delete_chars(a: usize);
        move_backward_tabs(a: u16);
        move_forward_tabs(a: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_line(a: LineClearMode);
        clear_screen(a: ClearMode);
        clear_tabs(a: TabulationClearMode);
        set_tabs(a: u16);
        reverse_index();
        terminal_attribute(a: Attr);
        set_mode(a: Mode);
        unset_mode(a: Mode);
        report_mode(a: Mode);
        set_private_mode(a: PrivateMode);
        unset_private_mode(a: PrivateMode);
        report_private_mode(a: PrivateMode);
        set_scrolling_region(a: usize, b: Option<usize>);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        set_active_charset(a: CharsetIndex);
        configure_charset(a: CharsetIndex, b: StandardCharset);
        set_color(a: usize, b: Rgb);
        dynamic_color_sequence(a: String, b: usize, c: &str);
        reset_color(a: usize);
        clipboard_store(a: u8, b: &[u8]);
        clipboard_load(a: u8, b: &str);
        decaln();
        push_title();
        pop_title();
        text_area_size_pixels();
        text_area_size_chars();
        set_mouse_cursor_icon(a: CursorIcon);
        set_modify_other_keys(a: ModifyOtherKeys);
        report_modify_other_keys();
        set_scp(a: ScpCharPath, b: ScpUpdateMode);
    }
}
