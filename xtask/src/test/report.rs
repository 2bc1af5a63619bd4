//! The table at the end, and the line under it that CI reads.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::Part;
use crate::console;

/// What came of each part.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

struct Line {
    part: Part,
    took: Duration,
    complaint: Option<String>,
}

impl Report {
    /// Notes what came of a part.
    pub(crate) fn add(&mut self, part: Part, took: Duration, result: Result<()>) {
        let complaint = result.err().map(|error| format!("{error:#}"));
        self.lines.push(Line { part, took, complaint });
    }

    /// Whether nothing failed.
    pub(crate) fn all_passed(&self) -> bool {
        self.failed() == 0
    }

    fn failed(&self) -> usize {
        self.lines.iter().filter(|line| line.complaint.is_some()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for Line { part, took, complaint } in &self.lines {
            let result = if complaint.is_some() { "FAILED" } else { "passed" };
            let took = console::seconds(*took);
            let complaint = complaint.as_deref().unwrap_or("");
            let line = format!("{part:8}  {result}  {took:>12}  {complaint}");
            writeln!(f, "{}", line.trim_end())?;
        }
        let total = self.lines.iter().map(|line| line.took).sum();
        writeln!(f, "{:8}  {:6}  {:>12}", "all", "", console::seconds(total))?;
        writeln!(f)?;
        writeln!(f, "{} passed, {} failed", self.lines.len() - self.failed(), self.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_parts() {
        let mut report = Report::default();
        report.add(Part::Fmt, Duration::from_millis(400), Ok(()));
        report.add(Part::Core, Duration::from_secs(75), Err(anyhow::anyhow!("Two tests failed.")));
        let text = report.to_string();
        assert!(text.contains("core      FAILED    1 min 15 s  Two tests failed."), "{text}");
        assert!(text.ends_with("\n\n1 passed, 1 failed\n"), "{text}");
        assert!(!report.all_passed());
    }
}
