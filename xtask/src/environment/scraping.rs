//! The live scrapes, on a thread of their own, and how others reach the simulation that lives there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ::embedded::Environment;
use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::environment::SimulationClock;
use crate::environment::provocations::OpenProvocations;

/// Something to be done between two scrapes, at an instant of the simulation.
type Task = Box<dyn FnOnce(&mut Environment, Timestamp) + Send>;

/// This many may wait at once; people do one thing after the other.
const WAITING_TASKS: usize = 16;

/// The thread that scrapes. It ends with the process: between two scrapes it only waits.
pub(crate) struct Scraping {
    ended: oneshot::Receiver<anyhow::Error>,
    tasks: Tasks,
    seen: Seen,
}

/// What the thread lets others see.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// Samples that the store has refused so far.
    pub(crate) refused: Arc<AtomicU64>,
    /// What is provoked.
    pub(crate) provocations: OpenProvocations,
}

impl Scraping {
    /// Goes on from where `environment` stands. `refused` samples have been refused so far; `refusal` is told the
    /// first time that live scrapes are.
    pub(crate) fn start(
        mut environment: Environment,
        clock: SimulationClock,
        refused: u64,
        refusal: impl FnOnce(u64) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (failed, ended) = oneshot::channel();
        let (sender, waiting) = sync_channel::<Task>(WAITING_TASKS);
        let seen = Seen::default();
        seen.refused.store(refused, Ordering::Relaxed);
        seen.provocations.update(&mut environment, clock.now());
        let (shown, keep_open) = (seen.clone(), sender.clone());
        let scrape = move || {
            let _keep_open = keep_open;
            let failure = scrape_forever(&mut environment, clock, &waiting, &shown, refusal);
            // Nobody listens any more when the program ends just now.
            let _ = failed.send(failure);
        };
        std::thread::Builder::new()
            .name("scrapes".to_owned())
            .spawn(scrape)
            .context("failed to start a thread")?;
        Ok(Self { ended, tasks: Tasks { sender }, seen })
    }

    /// The way to the simulation.
    pub(crate) fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// What can be seen of it.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Waits for the scrapes to fail. Never returns while all is well.
    pub(crate) async fn failure(self) -> anyhow::Error {
        self.ended.await.unwrap_or_else(|_| anyhow::anyhow!("the thread that scrapes has died"))
    }
}

fn scrape_forever(
    environment: &mut Environment,
    clock: SimulationClock,
    waiting: &Receiver<Task>,
    seen: &Seen,
    refusal: impl FnOnce(u64),
) -> anyhow::Error {
    let mut refusal = Some(refusal);
    loop {
        let until_scrape = clock.until(environment.next_scrape());
        // A scrape that is due comes before what waits, however much does.
        if !until_scrape.is_zero()
            && let Ok(task) = waiting.recv_timeout(until_scrape)
        {
            task(environment, clock.now());
            seen.provocations.update(environment, clock.now());
            continue;
        }
        match environment.advance(clock.now()) {
            Err(error) => return anyhow::Error::from(error).context("the simulation cannot go on"),
            Ok(scrapes) if scrapes.refused > 0 => {
                seen.refused.fetch_add(scrapes.refused, Ordering::Relaxed);
                if let Some(refusal) = refusal.take() {
                    refusal(scrapes.refused);
                }
            }
            Ok(_) => {}
        }
        seen.provocations.update(environment, clock.now());
    }
}

/// Hands tasks to the thread that scrapes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tasks {
    sender: SyncSender<Task>,
}

/// Why a task was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// Too many wait already.
    Busy,
    /// There are no scrapes any more.
    Ended,
}

impl Tasks {
    /// Has `task` done before the next scrape, and waits for what it returns.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Environment, Timestamp) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move |environment, now| {
            // Whoever asked may have gone; the task was done all the same.
            let _ = answer.send(task(environment, now));
        });
        self.sender.try_send(task).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full(_) => NotDone::Busy,
            std::sync::mpsc::TrySendError::Disconnected(_) => NotDone::Ended,
        })?;
        answered.await.map_err(|_| NotDone::Ended)
    }
}
