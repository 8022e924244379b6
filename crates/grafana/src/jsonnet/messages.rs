//! The engine's errors in sentences, with their places.

use rsjsonnet_lang::ast::{BinaryOp, UnaryOp};
use rsjsonnet_lang::lexer::LexError;
use rsjsonnet_lang::parser::{ActualToken, ExpectedToken, ParseError};
use rsjsonnet_lang::program::{
    AnalyzeError, EvalError, EvalErrorKind, EvalErrorValueType, EvalStackTraceItem, LoadError,
};
use rsjsonnet_lang::span::SpanId;
use rsjsonnet_lang::token::STokenKind;

use super::error::{Error, ErrorKind, Frame, Place};

/// A text that is no Jsonnet.
pub(super) fn load_error(error: &LoadError, place: impl Fn(SpanId) -> Option<Place>) -> Error {
    let (message, span, related) = match error {
        LoadError::Lex(error) => {
            let (message, span) = lex_error(error);
            (message, span, None)
        }
        LoadError::Parse(ParseError::Expected { span, expected, instead }) => {
            let expected: Vec<String> = expected.iter().map(expected_token).collect();
            (format!("expected {}, found {}", any_of(&expected), actual_token(instead)), *span, None)
        }
        LoadError::Analyze(error) => analyze_error(error),
    };
    let mut sentence = Error::new(ErrorKind::Syntax, message, place(span));
    sentence.related.extend(related.and_then(|(span, note)| Some((place(span)?, note))));
    sentence
}

/// A program that failed while it ran.
pub(super) fn eval_error(error: &EvalError, place: impl Fn(SpanId) -> Option<Place>) -> Error {
    let kind = match error.kind {
        EvalErrorKind::StackOverflow => ErrorKind::Limit,
        EvalErrorKind::ImportFailed { .. } => ErrorKind::Import,
        _ => ErrorKind::Evaluation,
    };
    let (message, span) = evaluation_message(&error.kind);
    let stack = error.stack_trace.iter().rev().map(|item| frame(item, &place)).collect();
    let mut sentence = Error::new(kind, message, span.and_then(&place));
    sentence.stack = stack;
    // Where `error` stands in the library says less than who called it.
    if sentence.place.is_none() {
        sentence.place = sentence
            .stack
            .iter()
            .filter_map(|frame| frame.place.as_ref())
            .find(|place| place.source.name != "std")
            .cloned();
    }
    sentence
}

/// Where a step of the stack trace is.
pub(super) fn frame_span(item: &EvalStackTraceItem) -> Option<SpanId> {
    match item {
        EvalStackTraceItem::Expr { span }
        | EvalStackTraceItem::Variable { span, .. }
        | EvalStackTraceItem::Import { span } => Some(*span),
        EvalStackTraceItem::Call { span, .. }
        | EvalStackTraceItem::ArrayItem { span, .. }
        | EvalStackTraceItem::ObjectField { span, .. } => *span,
        EvalStackTraceItem::CompareArrayItem { .. }
        | EvalStackTraceItem::CompareObjectField { .. }
        | EvalStackTraceItem::ManifestArrayItem { .. }
        | EvalStackTraceItem::ManifestObjectField { .. } => None,
    }
}

fn frame(item: &EvalStackTraceItem, place: &impl Fn(SpanId) -> Option<Place>) -> Frame {
    let doing = match item {
        EvalStackTraceItem::Expr { .. } => "expression".to_owned(),
        EvalStackTraceItem::Call { name: Some(name), .. } => format!("call of {name}"),
        EvalStackTraceItem::Call { name: None, .. } => "call of a function".to_owned(),
        EvalStackTraceItem::Variable { name, .. } => format!("variable {name}"),
        EvalStackTraceItem::ArrayItem { index, .. } => format!("item {index}"),
        EvalStackTraceItem::ObjectField { name, .. } => format!("field {name}"),
        EvalStackTraceItem::CompareArrayItem { index } => format!("comparison of item {index}"),
        EvalStackTraceItem::CompareObjectField { name } => format!("comparison of field {name}"),
        EvalStackTraceItem::ManifestArrayItem { index } => format!("output of item {index}"),
        EvalStackTraceItem::ManifestObjectField { name } => format!("output of field {name}"),
        EvalStackTraceItem::Import { .. } => "import".to_owned(),
    };
    Frame { doing, place: frame_span(item).and_then(place) }
}

fn lex_error(error: &LexError) -> (String, SpanId) {
    match error {
        LexError::InvalidChar { span, chr } => (format!("the character {chr:?} means nothing here"), *span),
        LexError::InvalidUtf8 { span, .. } => ("the text is not UTF-8".to_owned(), *span),
        LexError::UnfinishedMultilineComment { span } => {
            ("this comment is never closed with */".to_owned(), *span)
        }
        LexError::LeadingZeroInNumber { span } => ("a number cannot start with 0".to_owned(), *span),
        LexError::MissingFracDigits { span } => {
            ("digits are missing after the decimal point".to_owned(), *span)
        }
        LexError::MissingExpDigits { span } => ("digits are missing in the exponent".to_owned(), *span),
        LexError::MissingDigitAfterUnderscore { span } => {
            ("a digit is missing after the underscore".to_owned(), *span)
        }
        LexError::ExpOverflow { span } => ("the exponent is too large".to_owned(), *span),
        LexError::InvalidEscapeInString { span, chr } => {
            (format!("\\{chr} is no escape sequence; write \\\\ for a backslash"), *span)
        }
        LexError::IncompleteUnicodeEscape { span } => ("\\u needs four hexadecimal digits".to_owned(), *span),
        LexError::InvalidUtf16EscapeSequence { span, .. } => {
            ("this escape sequence is no character".to_owned(), *span)
        }
        LexError::UnfinishedString { span } => ("this string is never closed".to_owned(), *span),
        LexError::MissingLineBreakAfterTextBlockStart { span } => {
            ("the text of a ||| block starts on the next line".to_owned(), *span)
        }
        LexError::MissingWhitespaceTextBlockStart { span } => {
            ("the first line of a ||| block must be indented".to_owned(), *span)
        }
        LexError::InvalidTextBlockTermination { span } => {
            ("this ||| block ends neither with ||| nor with an equally indented line".to_owned(), *span)
        }
    }
}

fn analyze_error(error: &AnalyzeError) -> (String, SpanId, Option<(SpanId, String)>) {
    let first = |span: &SpanId| Some((*span, "first here".to_owned()));
    match error {
        AnalyzeError::UnknownVariable { span, name } => (format!("there is no variable {name}"), *span, None),
        AnalyzeError::SelfOutsideObject { self_span } => {
            ("self has no object around it".to_owned(), *self_span, None)
        }
        AnalyzeError::SuperOutsideObject { super_span } => {
            ("super has no object around it".to_owned(), *super_span, None)
        }
        AnalyzeError::DollarOutsideObject { dollar_span } => {
            ("$ has no object around it".to_owned(), *dollar_span, None)
        }
        AnalyzeError::RepeatedLocalName { original_span, repeated_span, name } => {
            (format!("{name} is defined twice"), *repeated_span, first(original_span))
        }
        AnalyzeError::RepeatedFieldName { original_span, repeated_span, name } => {
            (format!("the object has two fields {name}"), *repeated_span, first(original_span))
        }
        AnalyzeError::RepeatedParamName { original_span, repeated_span, name } => {
            (format!("the function has two parameters {name}"), *repeated_span, first(original_span))
        }
        AnalyzeError::PositionalArgAfterNamed { arg_span } => {
            ("arguments without name come before those with one".to_owned(), *arg_span, None)
        }
        AnalyzeError::TextBlockAsImportPath { span } => {
            ("the path of an import cannot be a ||| block".to_owned(), *span, None)
        }
        AnalyzeError::ComputedImportPath { span } => {
            ("the path of an import must be a plain string".to_owned(), *span, None)
        }
    }
}

fn evaluation_message(kind: &EvalErrorKind) -> (String, Option<SpanId>) {
    use EvalErrorKind as E;
    match kind {
        E::StackOverflow => ("the evaluation nests too deep (an endless recursion?)".to_owned(), None),
        E::InfiniteRecursion => ("the value depends on itself".to_owned(), None),
        E::InvalidIndexedType { span, got_type } => {
            (format!("{} has no fields or items", a(*got_type)), Some(*span))
        }
        E::InvalidSlicedType { span, got_type } => {
            (format!("{} cannot be sliced", a(*got_type)), Some(*span))
        }
        E::SliceIndexOrStepIsNotNumber { span, got_type } => {
            (format!("a slice needs numbers, not {}", a(*got_type)), Some(*span))
        }
        E::StringIndexIsNotNumber { span, got_type } | E::ArrayIndexIsNotNumber { span, got_type } => {
            (format!("the index must be a number, not {}", a(*got_type)), Some(*span))
        }
        E::NumericIndexIsNotValid { span, index } => (format!("{index} is no valid index"), Some(*span)),
        E::NumericIndexOutOfRange { span, index, length } => {
            (format!("there is no item {index}: the length is {length}"), Some(*span))
        }
        E::ObjectIndexIsNotString { span, got_type } => {
            (format!("a field is named by a string, not by {}", a(*got_type)), Some(*span))
        }
        E::RepeatedFieldName { span, name } => (format!("the object has two fields {name}"), Some(*span)),
        E::FieldNameIsNotString { span, got_type } => {
            (format!("the name of a field must be a string, not {}", a(*got_type)), Some(*span))
        }
        E::UnknownObjectField { span, field_name } => {
            (format!("the object has no field {field_name}"), Some(*span))
        }
        E::FieldOfNonObject { span } => ("only an object has fields".to_owned(), Some(*span)),
        E::SuperWithoutSuperObject { span } => {
            ("super is used, but the object extends nothing".to_owned(), Some(*span))
        }
        E::ForSpecValueIsNotArray { span, got_type } => {
            (format!("for goes over an array, not over {}", a(*got_type)), Some(*span))
        }
        E::CondIsNotBool { span, got_type } => {
            (format!("a condition must be a boolean, not {}", a(*got_type)), Some(*span))
        }
        E::CalleeIsNotFunction { span, got_type } => (format!("{} cannot be called", a(*got_type)), *span),
        E::TooManyCallArgs { span, num_params } => {
            let plural = if *num_params == 1 { "" } else { "s" };
            (format!("too many arguments: the function has {num_params} parameter{plural}"), *span)
        }
        E::UnknownCallParam { span, param_name } => {
            (format!("the function has no parameter {param_name}"), *span)
        }
        E::RepeatedCallParam { span, param_name } => {
            (format!("the argument {param_name} is given twice"), *span)
        }
        E::CallParamNotBound { span, param_name } => (format!("the argument {param_name} is missing"), *span),
        E::NativeCallFailed => ("a native function failed".to_owned(), None),
        E::InvalidUnaryOpType { span, op, rhs_type } => {
            (format!("{} does not apply to {}", unary(*op), a(*rhs_type)), Some(*span))
        }
        E::InvalidBinaryOpTypes { span, op, lhs_type, rhs_type } => {
            (format!("{} does not apply to {} and {}", binary(*op), a(*lhs_type), a(*rhs_type)), *span)
        }
        E::NumberNotBitwiseSafe { span } => {
            ("the number is too large for an operation on bits".to_owned(), *span)
        }
        E::NumberOverflow { span } => ("the number is too large".to_owned(), *span),
        E::NumberNan { span } => ("the result is not a number".to_owned(), *span),
        E::DivByZero { span } => ("division by zero".to_owned(), *span),
        E::ShiftByNegative { span } => ("a shift by a negative number".to_owned(), *span),
        E::InvalidStdFuncArgType { func_name, arg_index, expected_types, got_type } => {
            let expected: Vec<String> = expected_types.iter().map(|kind| a(*kind).to_owned()).collect();
            let message = format!(
                "argument {} of std.{func_name} must be {}, not {}",
                arg_index + 1,
                any_of(&expected),
                a(*got_type)
            );
            (message, None)
        }
        E::AssertFailed { span, message: Some(message) } => {
            (format!("assertion failed: {message}"), Some(*span))
        }
        E::AssertFailed { span, message: None } => ("assertion failed".to_owned(), Some(*span)),
        E::AssertEqualFailed { lhs, rhs } => (format!("assertion failed: {lhs} != {rhs}"), None),
        E::ExplicitError { span, message } => (message.clone(), Some(*span)),
        E::ImportFailed { span, path } => (format!("cannot import {path:?}"), Some(*span)),
        E::UnknownExtVar { name } => (format!("there is no external variable {name}"), None),
        E::ManifestFunction => ("a function cannot be part of the output".to_owned(), None),
        E::CompareNullInequality => ("null has no order".to_owned(), None),
        E::CompareBooleanInequality => ("booleans have no order".to_owned(), None),
        E::CompareObjectInequality => ("objects have no order".to_owned(), None),
        E::CompareFunctions => ("functions cannot be compared".to_owned(), None),
        E::CompareDifferentTypesInequality { lhs_type, rhs_type } => {
            (format!("{} and {} have no order between them", a(*lhs_type), a(*rhs_type)), None)
        }
        E::PrimitiveEqualsNonPrimitive { got_type } => {
            (format!("std.primitiveEquals compares plain values, not {}", a(*got_type)), None)
        }
        E::Other { span, message } => (message.clone(), *span),
    }
}

fn a(kind: EvalErrorValueType) -> &'static str {
    match kind {
        EvalErrorValueType::Null => "null",
        EvalErrorValueType::Bool => "a boolean",
        EvalErrorValueType::Number => "a number",
        EvalErrorValueType::String => "a string",
        EvalErrorValueType::Array => "an array",
        EvalErrorValueType::Object => "an object",
        EvalErrorValueType::Function => "a function",
    }
}

fn any_of(choices: &[String]) -> String {
    match choices {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn expected_token(token: &ExpectedToken) -> String {
    match token {
        ExpectedToken::EndOfFile => "the end of the file".to_owned(),
        ExpectedToken::Simple(token) => simple_token(*token).to_owned(),
        ExpectedToken::Ident => "a name".to_owned(),
        ExpectedToken::Number => "a number".to_owned(),
        ExpectedToken::String => "a string".to_owned(),
        ExpectedToken::TextBlock => "a ||| block".to_owned(),
        ExpectedToken::Expr => "an expression".to_owned(),
        ExpectedToken::BinaryOp => "an operator".to_owned(),
    }
}

fn actual_token(token: &ActualToken) -> String {
    match token {
        ActualToken::EndOfFile => "the end of the file".to_owned(),
        ActualToken::Simple(token) => simple_token(*token).to_owned(),
        ActualToken::OtherOp(operator) => operator.clone(),
        ActualToken::Ident(name) => format!("the name {name}"),
        ActualToken::Number => "a number".to_owned(),
        ActualToken::String => "a string".to_owned(),
        ActualToken::TextBlock => "a ||| block".to_owned(),
    }
}

fn simple_token(token: STokenKind) -> &'static str {
    use STokenKind as T;
    match token {
        T::Assert => "assert",
        T::Else => "else",
        T::Error => "error",
        T::False => "false",
        T::For => "for",
        T::Function => "function",
        T::If => "if",
        T::Import => "import",
        T::Importstr => "importstr",
        T::Importbin => "importbin",
        T::In => "in",
        T::Local => "local",
        T::Null => "null",
        T::Tailstrict => "tailstrict",
        T::Then => "then",
        T::Self_ => "self",
        T::Super => "super",
        T::True => "true",
        T::Exclam => "!",
        T::ExclamEq => "!=",
        T::Dollar => "$",
        T::Percent => "%",
        T::Amp => "&",
        T::AmpAmp => "&&",
        T::LeftParen => "(",
        T::RightParen => ")",
        T::Asterisk => "*",
        T::Plus => "+",
        T::PlusColon => "+:",
        T::PlusColonColon => "+::",
        T::PlusColonColonColon => "+:::",
        T::Comma => "a comma",
        T::Minus => "-",
        T::Dot => "a dot",
        T::Slash => "/",
        T::Colon => ":",
        T::ColonColon => "::",
        T::ColonColonColon => ":::",
        T::Semicolon => "a semicolon",
        T::Lt => "<",
        T::LtLt => "<<",
        T::LtEq => "<=",
        T::Eq => "=",
        T::EqEq => "==",
        T::Gt => ">",
        T::GtEq => ">=",
        T::GtGt => ">>",
        T::LeftBracket => "[",
        T::RightBracket => "]",
        T::Hat => "^",
        T::LeftBrace => "{",
        T::Pipe => "|",
        T::PipePipe => "||",
        T::RightBrace => "}",
        T::Tilde => "~",
    }
}

fn unary(operator: UnaryOp) -> &'static str {
    match operator {
        UnaryOp::Minus => "-",
        UnaryOp::Plus => "+",
        UnaryOp::BitwiseNot => "~",
        UnaryOp::LogicNot => "!",
    }
}

fn binary(operator: BinaryOp) -> &'static str {
    match operator {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::In => "in",
        BinaryOp::BitwiseAnd => "&",
        BinaryOp::BitwiseOr => "|",
        BinaryOp::BitwiseXor => "^",
        BinaryOp::LogicAnd => "&&",
        BinaryOp::LogicOr => "||",
    }
}
