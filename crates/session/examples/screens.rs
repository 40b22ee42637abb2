//! Prints the settled screens of a recording.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for people who write screen rules"
)]
use berth_session::{
    recording::{Played, play},
    terminal::Terminal,
};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let gap: f64 = std::env::args()
        .nth(2)
        .map_or(0.5, |gap| gap.parse().unwrap());
    let (size, events) = play(path.as_ref()).unwrap();
    let mut terminal = Terminal::new(size);
    let times: Vec<f64> = events.iter().map(|(time, _)| time.as_secs_f64()).collect();
    for (index, (time, event)) in events.iter().enumerate() {
        match event {
            Played::Output(data) => {
                terminal.feed(data.as_bytes());
            }
            Played::Resized(size) => terminal.resize(*size),
        }
        if times
            .get(index + 1)
            .is_none_or(|next| next - time.as_secs_f64() > gap)
        {
            println!(
                "=== {:.2}s alt={} paste={} cursor={:?}\n{}",
                time.as_secs_f64(),
                terminal.alternate_screen(),
                terminal.bracketed_paste(),
                terminal.cursor(),
                terminal.screen().text
            );
        }
    }
}
