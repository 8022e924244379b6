//! How the series of two vectors find each other.

use labels::{Label, Labels, METRIC_NAME};

use super::grouping::{Numbering, key_of, key_without};
use super::matrix::Matrix;
use crate::ast::VectorMatching;

/// The match group of each row of two matrices.
pub(super) struct MatchGroups {
    /// Of the left rows.
    pub(super) left: Members,
    /// Of the right rows.
    pub(super) right: Members,
}

/// Rows and their groups.
pub(super) struct Members {
    groups: Vec<u32>,
    /// The rows, ordered by group.
    rows: Vec<u32>,
    /// Where in `rows` each group begins.
    starts: Vec<u32>,
}

impl MatchGroups {
    /// Sorts the rows of both sides into groups: those of one group have equal labels, as far as they count.
    pub(super) fn new(left: &Matrix, right: &Matrix, matching: &VectorMatching) -> Self {
        let mut numbering = Numbering::default();
        let mut key = Vec::new();
        let mut groups = |matrix: &Matrix| -> Vec<u32> {
            let group_of = |head: &super::Head| {
                if matching.on {
                    key_of(&mut key, &head.labels, &matching.labels, |_| false);
                } else {
                    key_without(&mut key, &head.labels, |name| is_ignored(matching, name));
                }
                numbering.number(&key).0 as u32
            };
            matrix.heads().iter().map(group_of).collect()
        };
        let (left, right) = (groups(left), groups(right));
        let count = numbering.len();
        Self { left: Members::new(left, count), right: Members::new(right, count) }
    }
}

impl Members {
    fn new(groups: Vec<u32>, count: usize) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for &group in &groups {
            starts[group as usize + 1] += 1;
        }
        for group in 0..count {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; groups.len()];
        for (row, &group) in groups.iter().enumerate() {
            let place = &mut next[group as usize];
            rows[*place as usize] = row as u32;
            *place += 1;
        }
        Self { groups, rows, starts }
    }

    /// The group of a row.
    pub(super) fn group_of(&self, row: usize) -> usize {
        self.groups[row] as usize
    }

    /// The rows of a group, in their order.
    pub(super) fn of_group(&self, group: usize) -> impl Iterator<Item = usize> + Clone {
        self.rows[self.starts[group] as usize..self.starts[group + 1] as usize]
            .iter()
            .map(|&row| row as usize)
    }

    /// How many groups there are.
    pub(super) fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows a group has.
    pub(super) fn size(&self, group: usize) -> usize {
        (self.starts[group + 1] - self.starts[group]) as usize
    }

    /// The groups that have more than one row.
    pub(super) fn crowded(&self) -> impl Iterator<Item = usize> {
        (0..self.groups()).filter(|&group| self.size(group) > 1)
    }
}

fn is_ignored(matching: &VectorMatching, name: &str) -> bool {
    name == METRIC_NAME || matching.labels.iter().any(|label| label == name)
}

/// The labels that all rows of a match group share.
pub(super) fn shared_labels(labels: &Labels, matching: &VectorMatching) -> Labels {
    if matching.on {
        labels.retain(|name| matching.labels.iter().any(|label| label == name))
    } else {
        labels.retain(|name| !is_ignored(matching, name))
    }
}

/// Label sets as Prometheus' error messages print them, with the name inside of the braces.
pub(super) fn in_braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|Label { name, value }| {
            if labels::is_classic_label_name(name) {
                format!("{name}={value:?}")
            } else {
                format!("{name:?}={value:?}")
            }
        })
        .collect();
    format!("{{{}}}", pairs.join(", "))
}
