//! A query with a caret under the guilty part.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use promql::ParseError;

/// The error as several lines: what is wrong, the query with a mark under the place, and what to do.
pub(crate) fn query_error(query: &str, error: &ParseError) -> String {
    let annotation = AnnotationKind::Primary.span(error.span.start..error.span.end);
    let snippet = Snippet::source(query).annotation(annotation);
    let mut group = Level::ERROR.primary_title(&*error.message).element(snippet);
    if let Some(hint) = &error.hint {
        group = group.element(Level::HELP.message(&**hint));
    }
    Renderer::plain().render(&[group])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_guilty_part() {
        let query = "sum(rate(x))";
        let error = ParseError {
            message: "a range is missing".to_owned(),
            span: promql::ast::Span::new(9, 10),
            hint: Some("write x[5m]".to_owned()),
        };
        let text = query_error(query, &error);
        let lines: Vec<&str> = text.lines().collect();
        let query_line = lines.iter().position(|line| line.contains(query)).unwrap();
        assert_eq!(lines[query_line].find("x))"), lines[query_line + 1].find('^'), "{text}");
        assert!(text.contains("a range is missing") && text.contains("write x[5m]"), "{text}");
    }
}
