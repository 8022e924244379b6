//! Dashboards in the browser without Grafana: an [`axum::Router`] without a socket.
//!
//! | address | what it shows |
//! |---|---|
//! | `/` | the dashboards by folder; `?q=words&tag=tag` searches |
//! | `/d/UID`, `/d/UID/anything` | a dashboard; the parameters are Grafana's: `var-NAME`, `from`, `to`, `refresh`, `theme` |
//! | `/d/UID/panel/ID` | the panel's queries, times and data (`copy=N` of a repeated one) |
//! | `/d/UID/panel/ID/data.csv` | the data |
//! | `/explore?query=…` | any PromQL as graph and table |
//! | `/api/preview/version?since=N` | answers when the dashboards are no longer those of version N |
//!
//! Pages are made on the server and need no script: variables and times are a form. A script of our own adds what a form
//! cannot: values under the pointer, zoom, sorting, and showing a saved source at once. A page that is asked for again is
//! replaced in place, so that scrolling and focus stay.
//!
//! What a page is made of can be found by these attributes, which do not change:
//!
//! | selector | what |
//! |---|---|
//! | `[data-panel="ID"]`, `[data-type="stat"]` | a panel |
//! | `[data-panel="ID"] .canvas[data-from][data-to]` | a plot, with its range in milliseconds; drag to zoom, double click to zoom out |
//! | `.crosshair`, `#tooltip` | where the pointer is, in every plot, and the values there (`#tooltip li`) |
//! | `[data-series="N"]` | a series in a plot, and its line in the legend: a click shows it alone |
//! | `[data-menu="ID"]` | a panel's menu; in it `[data-link="inspect"]`, `explore`, `csv` |
//! | `#controls [data-variable="NAME"]` | a variable; in it `select[name="var-NAME"]`, `input[name="var-NAME"]` |
//! | `#controls[data-from][data-to]` | the range that is shown, in milliseconds |
//! | `[data-range="now-1h"]` | a quick range; `input[name=from]`, `input[name=to]` and `[data-action="apply"]` for others |
//! | `[data-action="back"]`, `forward`, `out`, `refresh`, `theme` | buttons |
//! | `details.row[data-row="ID"] > summary` | a row |
//! | `.table th` | sorts; `nav.pages [data-action="previous-page"]`, `next-page` |
//! | `#banner` | what is wrong with the sources; not there when nothing is |
//! | `body[aria-busy="true"]` | while a page is being replaced |
//! | `#dashboards a[data-dashboard="UID"]`, `#search` | the list |
//! | `#explore textarea[name=query]` | the query of Explore |
//!
//! Nothing here opens a socket or reads a clock: the present and a stopwatch come with [`Options`]. Time-outs need a tokio
//! runtime with its timer.

mod address;
mod caret;
mod data;
mod pages;
mod routes;
mod shelf;
mod state;

pub use routes::router;
pub use shelf::{Shelf, Shelved};
pub use state::{Options, Preview};
