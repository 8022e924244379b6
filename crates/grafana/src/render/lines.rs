//! Series as paths of an SVG that stretches to its room.

use std::fmt::Write as _;

use crate::interval::TimeRange;

use super::scale::Range;
use super::series::Point;

/// The name of the elements of pictures: needed where a page is read as XML.
pub(super) const SVG: &str = "http://www.w3.org/2000/svg";
/// Both sides of the picture are so long; it is stretched afterwards.
pub(super) const SIDE: f64 = 10_000.0;

/// Where times and values are in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plot {
    /// From side to side.
    pub(super) time: TimeRange,
    /// From bottom to top.
    pub(super) values: Range,
}

/// How a line goes from point to point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Straight on.
    Linear,
    /// Keeps its height up to the next point.
    StepAfter,
    /// Has its height since the point before.
    StepBefore,
}

impl Course {
    /// As the option `lineInterpolation` names it; curves are drawn straight.
    pub(super) fn of(id: Option<&str>) -> Self {
        match id {
            Some("stepAfter") => Self::StepAfter,
            Some("stepBefore") => Self::StepBefore,
            _ => Self::Linear,
        }
    }
}

/// A place in the picture, in whole units.
type Place = (i64, i64);

impl Plot {
    /// From the left, 0 to 1.
    pub(super) fn across(&self, ms: i64) -> f64 {
        let length = self.time.length_ms().max(1) as f64;
        (ms.saturating_sub(self.time.from_ms) as f64 / length).clamp(-1.0, 2.0)
    }

    fn x(&self, ms: i64) -> i64 {
        (self.across(ms) * SIDE).round() as i64
    }

    /// From the top, as SVG counts.
    pub(super) fn y(&self, value: f64) -> i64 {
        ((1.0 - self.values.place(value)) * SIDE).round() as i64
    }

    /// Where areas end that stand on nothing: zero, or the end that is nearer to it.
    fn floor(&self) -> f64 {
        0.0_f64.clamp(self.values.min, self.values.max)
    }

    /// The unbroken parts of a series that can be seen: each point with its top and the bottom of its area.
    fn parts(&self, points: &[Point]) -> Vec<Vec<(Place, i64)>> {
        let mut parts = vec![Vec::new()];
        for point in points {
            match point.top {
                Some(top) => {
                    let place = (self.x(point.ms), self.y(top));
                    let bottom = self.y(point.base.unwrap_or_else(|| self.floor()));
                    if let Some(part) = parts.last_mut() {
                        part.push((place, bottom));
                    }
                }
                None => parts.push(Vec::new()),
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The line of a series.
    pub(super) fn line(&self, points: &[Point], course: Course) -> String {
        let mut path = String::new();
        for part in self.parts(points).iter().filter(|part| part.len() > 1) {
            let tops: Vec<Place> = part.iter().map(|(place, _)| *place).collect();
            move_along(&mut path, &with_steps(&tops, course));
        }
        path
    }

    /// The area between a series and what it stands on.
    pub(super) fn area(&self, points: &[Point], course: Course) -> String {
        let mut path = String::new();
        for part in self.parts(points).iter().filter(|part| part.len() > 1) {
            let tops: Vec<Place> = part.iter().map(|(place, _)| *place).collect();
            let bottoms: Vec<Place> = part.iter().map(|((x, _), bottom)| (*x, *bottom)).collect();
            let mut outline = with_steps(&tops, course);
            outline.extend(with_steps(&bottoms, course).into_iter().rev());
            move_along(&mut path, &outline);
            path.push('Z');
        }
        path
    }

    /// Dots: lines of no length, which have round ends. Either at all points or at those without neighbours, which no
    /// line goes through.
    pub(super) fn dots(&self, points: &[Point], all: bool) -> String {
        let mut path = String::new();
        for part in self.parts(points).iter().filter(|part| all || part.len() == 1) {
            for ((x, y), _) in part {
                let _ = write!(path, "M{x} {y}h0");
            }
        }
        path
    }

    /// A bar around every point, as wide as most of the distance to the nearest.
    pub(super) fn bars(&self, points: &[Point]) -> String {
        /// Of the distance.
        const FILLED: f64 = 0.7;
        let places: Vec<(Place, i64)> = self.parts(points).into_iter().flatten().collect();
        let nearest =
            places.windows(2).map(|pair| pair[1].0.0 - pair[0].0.0).filter(|distance| *distance > 0).min();
        let half = (nearest.unwrap_or(SIDE as i64 / 20) as f64 * FILLED / 2.0).max(1.0) as i64;
        let mut path = String::new();
        for ((x, y), bottom) in places {
            let _ = write!(path, "M{} {bottom}V{y}h{}V{bottom}Z", x - half, 2 * half);
        }
        path
    }
}

/// The corners of steps between the points.
fn with_steps(places: &[Place], course: Course) -> Vec<Place> {
    let mut all: Vec<Place> = Vec::with_capacity(places.len());
    for place in places {
        if let Some(last) = all.last().copied() {
            match course {
                Course::Linear => {}
                Course::StepAfter => all.push((place.0, last.1)),
                Course::StepBefore => all.push((last.0, place.1)),
            }
        }
        all.push(*place);
    }
    all
}

fn move_along(path: &mut String, places: &[Place]) {
    for (i, (x, y)) in places.iter().enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x} {y}");
    }
}
