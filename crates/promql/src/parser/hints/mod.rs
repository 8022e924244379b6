//! What to do about the usual slips. A message says what is wrong; a hint, where one is known, how it is written.

mod matching;
mod names;
mod text;
mod types;
mod words;

pub(super) use matching::{EMPTY_LABEL, for_misspelt_matching};
pub(super) use names::for_unknown_function;
pub(super) use text::{for_bad_escape, for_bad_number, for_bad_regex, for_strange_text};
pub(super) use types::{
    GROUPED_SET_OPERATION, LABEL_IN_ON_AND_GROUP, METRIC_NAME_TWICE, for_aggregate_arguments,
    for_argument_count, for_bool_modifier, for_empty_selector, for_misplaced_modifier, for_misplaced_range,
    for_scalar_in_set_operation, for_swapped_parameter, for_wrong_argument, for_wrong_type,
};
pub(super) use words::{for_range_in_parentheses, for_unexpected_word};

/// The most characters of a rewritten query in a hint; a longer one would hide what it shows.
const LONGEST_EXAMPLE: usize = 100;

/// A rewritten part of the query, where it is short enough to show; else the general example.
fn example(rewritten: String, general: &str) -> String {
    let fits = rewritten.chars().count() <= LONGEST_EXAMPLE && !rewritten.contains('\n');
    if fits { rewritten } else { general.to_owned() }
}
