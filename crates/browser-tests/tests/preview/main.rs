//! Somebody uses the preview: every step in one session of a real browser, against the shipped dashboards and a small
//! simulated cluster.
//!
//! Needs Debian's `chromium` and `chromium-driver` or their like, and says `skipped: …` where they are missing. A step that
//! fails leaves a picture of the page, and those after it are made all the same.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::print_stdout, reason = "what was seen is told, and so is a skip")]

mod driver;
mod hostile;
mod looks;
mod panels;
mod person;
mod saving;
mod site;
mod steering;
// The program's own way to notice that a file was saved, so that the time that is measured is the one of its users. A
// module of a program cannot be depended on.
#[path = "../../../../xtask/src/commands/dashboards/watch.rs"]
mod watch;

use std::time::{Duration, Instant};

use crate::driver::Driver;
use crate::person::Person;
use crate::site::Site;

/// Everything together, on a machine that does a lot besides.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test]
async fn somebody_uses_the_preview_in_a_browser() {
    let driver = match Driver::start() {
        Ok(driver) => driver,
        Err(missing) => {
            println!("skipped: {missing}; the preview was not seen in a browser");
            return;
        }
    };
    let site = Site::start().await;
    let client = driver.session().await.unwrap();
    let person = Person::new(client.clone(), site.base());
    // A task of its own, so that the session is ended also after a panic.
    let steps = tokio::spawn(async move { tokio::time::timeout(PATIENCE, use_it(&person, &site)).await });
    let outcome = steps.await;
    client.close().await.unwrap();
    let failures = outcome.unwrap().expect("the steps end in time");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// All steps; gives those that failed, each with the reason and a picture.
async fn use_it(person: &Person, site: &Site) -> Vec<String> {
    let mut failures = Vec::new();
    let began = Instant::now();
    person.prepare().await.unwrap();
    macro_rules! step {
        ($sentence:literal, $work:expr) => {
            let began = Instant::now();
            let outcome = async { Ok([$work.await?, person.complaints().await?].concat()) }.await;
            let flaws = outcome.unwrap_or_else(|error: anyhow::Error| vec![format!("{error:#}")]);
            let seconds = began.elapsed().as_secs_f64();
            if flaws.is_empty() {
                println!("{seconds:5.1} s  {}", $sentence);
            } else {
                let picture = person.picture($sentence).await;
                println!("{seconds:5.1} s  FAILED: {} ({picture})", $sentence);
                for flaw in &flaws {
                    println!("           {flaw}");
                }
                failures.push(format!("{}: {picture}: {}", $sentence, flaws.join("; ")));
            }
        };
    }
    step!("The list has the sixteen dashboards.", panels::the_list(person, site));
    step!("Every panel of every dashboard is drawn.", panels::every_dashboard(person, site));
    step!("Another namespace changes the panels and the address.", steering::another_namespace(person));
    step!("Several values are chosen in a list.", steering::several_namespaces(person));
    step!("A drag in a time series zooms, and back works.", steering::zoom_and_back(person));
    step!("Values are shown under the pointer, in every plot at the same time.", steering::hover(person));
    step!("Rows of tables lead from cluster to namespace to pod.", steering::drill_down(person));
    step!(
        "A row folds, and the menu of a panel leads to its query and data.",
        steering::rows_and_menu(person)
    );
    step!("A table is sorted and turned over.", steering::table(person));
    step!("Explore draws a query, and marks the place of a mistake.", steering::explore(person));
    step!("A saved file is seen, a broken one keeps the last good version.", saving::save(person, site));
    step!("Hostile names are shown, and nothing of them is executed.", hostile::names(person));
    step!("Dark and light change by a button, and stay.", looks::theme(person));
    step!("The checks see what is made wrong.", looks::checks_see(person));
    step!(
        "Nothing is cut or overlaps, dark and light, at 1,920, 1,280 and 400 pixels.",
        looks::every_width(person, site)
    );
    println!("{:5.1} s  in all", began.elapsed().as_secs_f64());
    failures
}
