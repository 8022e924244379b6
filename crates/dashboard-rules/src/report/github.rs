//! Annotations of GitHub Actions: each finding appears beside its line in the pull request.

use super::{Located, whereabouts};
use crate::rule::Severity;

/// One workflow command a line.
pub fn github(located: &[Located<'_>]) -> String {
    located.iter().map(line).collect()
}

fn line(located: &Located<'_>) -> String {
    let finding = located.finding;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = format!("file={}", property(&located.file));
    if let Some((line, column)) = located.line {
        properties.push_str(&format!(",line={line},col={column}"));
    }
    let at = whereabouts(&finding.place);
    let separator = if at.is_empty() { "" } else { ": " };
    let message = format!("{at}{separator}{}", finding.message);
    format!("::{command} {properties},title={}::{}\n", property(finding.rule), data(&message))
}

/// What would end the command or its line is written in another way.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_cannot_be_broken_out_of() {
        assert_eq!(data("50 %\n::error::x"), "50 %25%0A::error::x");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
