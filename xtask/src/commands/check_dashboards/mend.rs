//! `--fix`: writes the files that could be mended.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dashboard_rules::{Options, Source, Subject};

use crate::ui::Steps;

/// Mends the dashboards that are JSON files, and writes them. What Jsonnet makes is left for people.
pub(super) fn mend(subject: &mut Subject, options: &Options, steps: &Steps) -> anyhow::Result<()> {
    let mended = dashboard_rules::mend(subject, options);
    for file in &mended {
        write(Path::new(&file.file), &file.text)?;
        steps.note(format!("mended {}: {}", file.file, told(&file.labels)));
    }
    // What was converted when it was read stands elsewhere in its file.
    let foreign = subject.dashboards.iter().filter(|dashboard| matches!(dashboard.source, Source::Value));
    let foreign: Vec<&str> = foreign.map(|dashboard| dashboard.file.as_str()).collect();
    if let [first, rest @ ..] = &foreign[..] {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more files", rest.len()) };
        steps.note(format!(
            "{first}{more}: --fix writes dashboards in classic form alone, and this is the form v2; what the findings propose \
             has to be done by hand"
        ));
    } else if mended.is_empty() {
        steps.note("nothing was mended: no finding in a JSON file has only one remedy");
    }
    Ok(())
}

/// What was done, the same things once and many of them in brief.
fn told(labels: &[String]) -> String {
    const NAMED: usize = 20;
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for label in labels {
        let place = *places.entry(label).or_insert(counts.len());
        match counts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => counts.push((label, 1)),
        }
    }
    let named = counts.iter().take(NAMED).map(|(label, count)| match count {
        1 => (*label).to_owned(),
        count => format!("{label} ({count} times)"),
    });
    let more: usize = counts.iter().skip(NAMED).map(|(_, count)| count).sum();
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join("; ")
}

/// Replaces a file as a whole, so that nobody ever sees half of it.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    // A link is written through, not replaced.
    let file = file.canonicalize().with_context(|| format!("failed to find {}", file.display()))?;
    let mut beside = file.clone().into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::metadata(&file).and_then(|old| {
        fs::write(&beside, text)?;
        // Who could not read the old one does not get to read the new one.
        fs::set_permissions(&beside, old.permissions())?;
        fs::rename(&beside, &file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("failed to write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_in_brief_however_much_it_was() {
        let labels = |list: &[&str]| list.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        assert_eq!(told(&labels(&["a", "b", "a"])), "a (2 times); b");
        let many: Vec<String> = (0..100_000).map(|id| format!("set id to {id}")).collect();
        let text = told(&many);
        assert!(text.ends_with("set id to 19; and 99980 more"), "{text}");
    }
}
