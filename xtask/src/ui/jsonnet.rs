//! An error in Jsonnet with carets under the guilty parts.

use std::path::Path;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use grafana::jsonnet::{Error, Place};

/// A stack that is deeper is a recursion, whose steps are all alike.
const STEPS_SHOWN: usize = 10;

/// The error as several lines: what is wrong, the source with a mark under the place, other places that belong to it,
/// and how the evaluation came there, the innermost step first. Files are named as seen from `workspace`.
pub(crate) fn jsonnet_error(error: &Error, workspace: &Path) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(error.message.as_str()));
    let guilty = error.nearest_place();
    if let Some(place) = guilty {
        let beside = error.related.iter().filter(|(other, _)| other.source == place.source);
        let snippet =
            snippet(place, workspace)
                .annotation(AnnotationKind::Primary.span(place.range.clone()))
                .annotations(beside.map(|(other, note)| {
                    AnnotationKind::Context.span(other.range.clone()).label(note.as_str())
                }));
        group = group.element(snippet);
    }
    for (place, note) in &error.related {
        if guilty.is_none_or(|guilty| guilty.source != place.source) {
            let annotation = AnnotationKind::Context.span(place.range.clone()).label(note.as_str());
            group = group.element(snippet(place, workspace).annotation(annotation));
        }
    }
    for frame in error.stack.iter().take(STEPS_SHOWN) {
        let place = frame.place.as_ref().map(|place| format!(", {}", shown(place, workspace)));
        let step = format!("in {}{}", frame.doing, place.unwrap_or_default());
        group = group.element(Level::NOTE.message(step));
    }
    if let Some(left_out @ 1..) = error.stack.len().checked_sub(STEPS_SHOWN) {
        group = group.element(Level::NOTE.message(format!("and {left_out} more steps")));
    }
    Renderer::plain().render(&[group])
}

/// Something that is wrong with a file as a whole, in the form of the others.
pub(crate) fn flaw_in(file: &str, message: &str) -> String {
    Renderer::plain().render(&[Level::ERROR.primary_title(message).element(Origin::path(file))])
}

/// A path as people see it: from the workspace's folder, if it lies in there.
pub(crate) fn path_in(workspace: &Path, path: &Path) -> String {
    // Sources are canonical, the workspace need not be.
    let canonical = workspace.canonicalize();
    let relative = path
        .strip_prefix(workspace)
        .ok()
        .or_else(|| canonical.as_ref().ok().and_then(|workspace| path.strip_prefix(workspace).ok()));
    relative.unwrap_or(path).display().to_string()
}

fn snippet<'a>(place: &'a Place, workspace: &Path) -> Snippet<'a, Annotation<'a>> {
    Snippet::source(place.source.text.as_str()).path(file(place, workspace))
}

fn shown(place: &Place, workspace: &Path) -> String {
    format!("{}:{}:{}", file(place, workspace), place.line(), place.column())
}

fn file(place: &Place, workspace: &Path) -> String {
    let source = &place.source;
    // What the program itself gives the engine has no file, only a name like `<mixin.libsonnet>`.
    if source.name.starts_with('<') {
        return source.name.clone();
    }
    source.path.as_ref().map_or_else(|| source.name.clone(), |path| path_in(workspace, path))
}

#[cfg(test)]
mod tests {
    use grafana::jsonnet::{Error, Evaluator};

    use super::*;

    fn error(text: &str) -> Error {
        Evaluator::without_files().evaluate_snippet("a.jsonnet", text).result.unwrap_err()
    }

    #[test]
    fn the_mark_stands_under_the_guilty_part_with_file_line_and_column() {
        let text = jsonnet_error(&error("{\n  a: nothing,\n}\n"), Path::new("/"));
        assert!(text.contains("a.jsonnet:2:6"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let line = lines.iter().position(|line| line.contains("a: nothing,")).unwrap();
        assert_eq!(lines[line].find("nothing"), lines[line + 1].find("^^^^^^^"), "{text}");
    }

    #[test]
    fn the_steps_that_led_there_are_told_the_innermost_first() {
        let source = "local panel(title) = error 'no title';\n{ panels: [panel('')] }\n";
        let text = jsonnet_error(&error(source), Path::new("/"));
        assert!(text.starts_with("error: no title"), "{text}");
        let panel = text.find("in call of panel, a.jsonnet:2:").unwrap_or_else(|| panic!("{text}"));
        let panels = text.find("in field panels").unwrap_or_else(|| panic!("{text}"));
        assert!(panel < panels, "{text}");
    }

    #[test]
    fn a_recursion_is_told_in_short() {
        let text = jsonnet_error(&error("local f(x) = 1 + f(x);\nf(1)\n"), Path::new("/"));
        assert!(text.lines().count() < STEPS_SHOWN + 12, "{text}");
    }

    #[test]
    fn an_error_at_the_end_of_a_text_or_in_an_empty_one_is_drawn_too() {
        for source in ["", "\n", "{", "{\n  a: 1,\n", "'é"] {
            let text = jsonnet_error(&error(source), Path::new("/"));
            assert!(text.starts_with("error: ") && text.contains("a.jsonnet:"), "{source:?}: {text}");
        }
    }

    #[test]
    fn paths_in_the_workspace_are_shown_from_there() {
        let root = Path::new("/somewhere/work");
        assert_eq!(
            path_in(root, Path::new("/somewhere/work/dashboards/a.libsonnet")),
            "dashboards/a.libsonnet"
        );
        assert_eq!(path_in(root, Path::new("/elsewhere/a.libsonnet")), "/elsewhere/a.libsonnet");
        assert_eq!(path_in(root, Path::new("a.libsonnet")), "a.libsonnet");
    }
}
