//! How deep a text nests, before the engine sees it.
//!
//! The engine's parser and analysis recurse once for each nested object, function, `if`, `local` and so on, without a
//! bound of their own: a text of some kilobytes can overflow any stack, which ends the whole process. So the depth is
//! estimated first, from the tokens alone, never too low. Chains of operators do not count: the engine loops over them.

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::StrInterner;
use rsjsonnet_lang::lexer::Lexer;
use rsjsonnet_lang::span::SpanManager;
use rsjsonnet_lang::token::{STokenKind, TokenKind};

/// What one pair of brackets, or the file, holds open.
#[derive(Default)]
struct Level {
    /// Constructs that contain what follows them, up to the next comma.
    nested: usize,
    /// For each `local` and `assert` that still waits for its semicolon: `nested` where its bindings began. A comma
    /// and the semicolon lead back there.
    unfinished: Vec<usize>,
}

impl Level {
    /// Ends an expression; says how many constructs that closes.
    fn back_to(&mut self, nested: usize) -> usize {
        let closed = self.nested.saturating_sub(nested);
        self.nested = self.nested.min(nested);
        closed
    }
}

/// Where the text first nests deeper than `limit`, as a range of bytes.
pub(super) fn too_deep(text: &str, limit: usize) -> Option<(usize, usize)> {
    let arena = Arena::new();
    let ast_arena = Arena::new();
    let interner = StrInterner::new();
    let mut spans = SpanManager::new();
    let (context, _) = spans.insert_source_context(text.len());
    let lexer = Lexer::new(&arena, &ast_arena, &interner, &mut spans, context, text.as_bytes());
    // A text that cannot be cut into tokens never reaches the parser.
    let tokens = lexer.lex_to_eof(false).ok()?;

    let mut levels = vec![Level::default()];
    let mut depth = 0usize;
    let mut starts_item = false;
    for token in &tokens {
        let TokenKind::Simple(kind) = token.kind else {
            starts_item = false;
            continue;
        };
        let in_brackets = levels.len() > 1;
        let Some(level) = levels.last_mut() else { break };
        match kind {
            STokenKind::LeftBrace | STokenKind::LeftBracket | STokenKind::LeftParen => {
                // `a(1)(2)` and `{} {}` contain what stands before them.
                level.nested += 1;
                depth += 2;
                levels.push(Level::default());
            }
            STokenKind::RightBrace | STokenKind::RightBracket | STokenKind::RightParen => {
                let closed = levels.pop().unwrap_or_default();
                depth = depth.saturating_sub(1 + closed.nested);
                if levels.is_empty() {
                    levels.push(Level::default());
                }
            }
            // The locals and assertions of an object stand next to each other.
            STokenKind::Local | STokenKind::Assert if starts_item && in_brackets => {}
            STokenKind::Local | STokenKind::Assert => {
                level.nested += 1;
                level.unfinished.push(level.nested);
                depth += 1;
            }
            STokenKind::If
            | STokenKind::Else
            | STokenKind::Function
            | STokenKind::For
            | STokenKind::Error
            | STokenKind::Dot => {
                level.nested += 1;
                depth += 1;
            }
            STokenKind::Semicolon => {
                if let Some(nested) = level.unfinished.pop() {
                    depth = depth.saturating_sub(level.back_to(nested));
                }
            }
            STokenKind::Comma => {
                let nested = level.unfinished.last().copied().unwrap_or(0);
                depth = depth.saturating_sub(level.back_to(nested));
            }
            _ => {}
        }
        starts_item = matches!(kind, STokenKind::LeftBrace | STokenKind::Comma);
        if depth > limit {
            let (_, start, end) = spans.get_span(token.span);
            return Some((start, end));
        }
    }
    None
}
