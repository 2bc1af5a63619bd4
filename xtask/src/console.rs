//! What a person sees while things are built: named steps, the time each took, and one-sentence errors.
//!
//! Everything goes to standard error, like cargo's own progress, in between which it stands.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

const BOLD: &str = "1";
const GREEN: &str = "1;32";
const RED: &str = "1;31";

/// Announces something that begins.
pub(crate) fn begin(name: impl Display) {
    eprintln!("{}", paint(BOLD, &format!("==> {name}")));
}

/// Tells that what began has ended well.
pub(crate) fn done(name: impl Display, took: Duration) {
    eprintln!("{} {name}: {}", paint(GREEN, "==>"), seconds(took));
}

/// Tells that something needs not be done again.
pub(crate) fn up_to_date(name: impl Display) {
    eprintln!("{} {name}: up to date", paint(GREEN, "==>"));
}

/// A remark.
pub(crate) fn note(text: impl Display) {
    eprintln!("    {text}");
}

/// An error with its causes, in one line.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", paint(RED, "error:"));
}

/// A time to read: `0.4 s`, `27 s`, `2 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        return format!("{:.1} s", time.as_secs_f32());
    }
    match (time.as_millis() + 500) / 1000 {
        whole @ ..60 => format!("{whole} s"),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

fn paint(style: &str, text: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !std::io::stderr().is_terminal() {
        return text.to_owned();
    }
    format!("\x1b[{style}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_one_needs() {
        let read = |millis| seconds(Duration::from_millis(millis));
        assert_eq!(read(420), "0.4 s");
        assert_eq!(read(27_400), "27 s");
        assert_eq!(read(59_700), "1 min 00 s");
        assert_eq!(read(125_000), "2 min 05 s");
    }
}
