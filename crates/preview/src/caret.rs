//! What is wrong with a query, with a mark under the place.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use dashboard_view::MetricsError;

/// The error as several lines: what is wrong, the query with a mark, what to do.
pub(crate) fn marked(query: &str, error: &MetricsError) -> String {
    let mut group = match &error.span {
        Some(span) if query.get(span.clone()).is_some() => {
            let annotation = AnnotationKind::Primary.span(span.clone());
            // Prometheus says the place in words: the mark is clearer.
            let message =
                error.message.split_once(": parse error: ").map_or(&*error.message, |(_, after)| after);
            Level::ERROR.primary_title(message).element(Snippet::source(query).annotation(annotation))
        }
        _ => annotate_snippets::Group::with_title(Level::ERROR.primary_title(&*error.message)),
    };
    if let Some(hint) = &error.hint {
        group = group.element(Level::HELP.message(&**hint));
    }
    Renderer::plain().render(&[group])
}

#[cfg(test)]
mod tests {
    use dashboard_view::ErrorKind;

    use super::*;

    #[test]
    fn the_mark_stands_under_the_guilty_part() {
        let error = MetricsError {
            span: Some(4..6),
            hint: Some("close it".to_owned()),
            ..MetricsError::new(ErrorKind::Syntax, "1:5: parse error: not closed")
        };
        let text = marked("sum(up", &error);
        assert!(text.starts_with("error: not closed") && text.contains("close it"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let query = lines.iter().position(|line| line.contains("sum(up")).unwrap();
        assert_eq!(lines[query].find("up"), lines[query + 1].find("^^"), "{text}");
    }

    #[test]
    fn a_place_that_is_none_is_left_out() {
        for (query, span) in [("up", 1..9), ("é", 1..2), ("", 0..1), ("ab", 1..7)] {
            let error =
                MetricsError { span: Some(span), ..MetricsError::new(ErrorKind::Syntax, "it is wrong") };
            assert!(marked(query, &error).contains("it is wrong"), "{query}");
        }
    }
}
