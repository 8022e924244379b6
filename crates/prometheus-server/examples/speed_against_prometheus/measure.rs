//! How long a query takes, here and there.

use std::fmt;
use std::time::{Duration, Instant};

use crate::Result;
use crate::queries::{Query, Window};
use crate::server::Server;

/// Runs whose wall time counts.
pub(crate) const RUNS: usize = 9;
/// Runs before those.
const WARM_UP: usize = 3;
/// The system counts CPU time in hundredths of a second: short queries run on until they have used so much.
const ENOUGH_CPU: Duration = Duration::from_millis(500);
/// But not more often than this.
const MOST_RUNS: u32 = 1_000;

/// Asks both the same, in turns, so that whatever else happens on the machine happens to both.
pub(crate) fn measure(query: Query, window: Window, ours: &Server, theirs: &Server) -> Result<Row> {
    for _ in 0..WARM_UP {
        ours.ask(query, window)?;
        theirs.ask(query, window)?;
    }
    let (mut ours, mut theirs) = (Side::new(ours)?, Side::new(theirs)?);
    for _ in 0..RUNS {
        ours.run(query, window)?;
        theirs.run(query, window)?;
    }
    Ok(Row { query, bytes: ours.bytes, ours: ours.cost(query, window)?, theirs: theirs.cost(query, window)? })
}

/// The runs of one server.
struct Side<'a> {
    server: &'a Server,
    cpu_before: Option<Duration>,
    wall: Vec<Duration>,
    bytes: usize,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server) -> Result<Self> {
        Ok(Self { server, cpu_before: server.cpu_time()?, wall: Vec::new(), bytes: 0 })
    }

    fn run(&mut self, query: Query, window: Window) -> Result<()> {
        let start = Instant::now();
        let answer = self.server.ask(query, window)?;
        self.wall.push(start.elapsed());
        self.bytes = answer.len();
        Ok(())
    }

    fn cost(mut self, query: Query, window: Window) -> Result<Cost> {
        self.wall.sort_unstable();
        let wall = self.wall[self.wall.len() / 2];
        let mut runs = self.wall.len() as u32;
        let cpu = loop {
            let (Some(before), Some(now)) = (self.cpu_before, self.server.cpu_time()?) else { break None };
            if now - before >= ENOUGH_CPU || runs >= MOST_RUNS {
                break Some((now - before) / runs);
            }
            self.server.ask(query, window)?;
            runs += 1;
        };
        Ok(Cost { wall, cpu })
    }
}

/// What a query costs a server.
struct Cost {
    /// As the client sees it.
    wall: Duration,
    cpu: Option<Duration>,
}

/// A line of the table.
pub(crate) struct Row {
    query: Query,
    ours: Cost,
    theirs: Cost,
    bytes: usize,
}

/// The table's first line.
pub(crate) const HEADER: &str = "\
query                    wall: ours  Prometheus   ratio     CPU: ours  Prometheus   ratio     answer bytes";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let ratio = |ours: Duration, theirs: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
        let (ours, theirs) = (&self.ours, &self.theirs);
        write!(f, "{:<24}", self.query.name)?;
        write!(f, "{:>11.2} {:>11.2}", ms(ours.wall), ms(theirs.wall))?;
        write!(f, " {:>6.1}×", ratio(ours.wall, theirs.wall))?;
        if let (Some(ours), Some(theirs)) = (ours.cpu, theirs.cpu) {
            write!(f, " {:>13.2} {:>11.2} {:>6.1}×", ms(ours), ms(theirs), ratio(ours, theirs))?;
        } else {
            write!(f, " {:>13} {:>11} {:>7}", "-", "-", "-")?;
        }
        write!(f, " {:>16}", self.bytes)
    }
}
