//! What has arrived of an environment's metrics, as a table.

use environments::stack::data::Arrived;

use crate::ui::Table;

/// A row for each receiver.
pub(in crate::commands) fn arrived_table(arrived: &Arrived) -> String {
    let mut table = Table::default();
    table.text_column("receiver");
    for column in ["series", "metrics", "newest"] {
        table.number_column(column);
    }
    for row in &arrived.receivers {
        let newest = row.age_seconds.map(|age| format!("{age:.0} s ago")).unwrap_or_default();
        table.row(vec![row.receiver.to_owned(), row.series.to_string(), row.metrics.to_string(), newest]);
    }
    table.render()
}
