//! Series by number. Numbers are never used twice, so that an old one can do no harm.

use crate::series::Series;

/// How many series share an allocation.
const PAGE: usize = 64;

/// The store's series. A number that was given out once leads to its series or to nothing, for all time; pages without
/// living series are given back.
#[derive(Debug, Default)]
pub(crate) struct SeriesTable {
    pages: Vec<Option<Box<Page>>>,
    next: u32,
    living: usize,
}

#[derive(Debug)]
struct Page {
    living: usize,
    series: [Option<Series>; PAGE],
}

impl SeriesTable {
    /// The number that the next series will have; `None` when there are none left.
    pub(crate) fn next_number(&self) -> Option<u32> {
        (self.next < u32::MAX).then_some(self.next)
    }

    /// Adds a series under the [next number](Self::next_number).
    pub(crate) fn push(&mut self, series: Series) {
        let (page, place) = position(self.next);
        if page == self.pages.len() {
            self.pages.push(None);
        }
        let page = self.pages[page]
            .get_or_insert_with(|| Box::new(Page { living: 0, series: std::array::from_fn(|_| None) }));
        page.series[place] = Some(series);
        page.living += 1;
        self.living += 1;
        self.next += 1;
    }

    /// The series with this number, if it is still there.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Series> {
        let (page, place) = position(number);
        self.pages.get(page)?.as_ref()?.series[place].as_ref()
    }

    /// The series with this number, if it is still there.
    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Series> {
        let (page, place) = position(number);
        self.pages.get_mut(page)?.as_mut()?.series[place].as_mut()
    }

    /// Removes the series with this number.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Series> {
        let (page, place) = position(number);
        let slot = self.pages.get_mut(page)?;
        let held = slot.as_mut()?;
        let series = held.series[place].take()?;
        held.living -= 1;
        self.living -= 1;
        if held.living == 0 {
            *slot = None;
        }
        Some(series)
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.living
    }

    /// All series with their numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        self.pages.iter().enumerate().flat_map(|(page, held)| {
            let series = held.iter().flat_map(|page| page.series.iter());
            series
                .enumerate()
                .filter_map(move |(place, series)| Some((number(page, place), series.as_ref()?)))
        })
    }

    /// All series with their numbers, ascending.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Series)> {
        self.pages.iter_mut().enumerate().flat_map(|(page, held)| {
            let series = held.iter_mut().flat_map(|page| page.series.iter_mut());
            series
                .enumerate()
                .filter_map(move |(place, series)| Some((number(page, place), series.as_mut()?)))
        })
    }

    /// What the pages occupy.
    pub(crate) fn page_bytes(&self) -> usize {
        self.pages.iter().flatten().count() * size_of::<Page>() + self.pages.capacity() * size_of::<usize>()
    }
}

fn position(number: u32) -> (usize, usize) {
    (number as usize / PAGE, number as usize % PAGE)
}

fn number(page: usize, place: usize) -> u32 {
    (page * PAGE + place) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_used_twice_and_empty_pages_are_given_back() {
        let mut table = SeriesTable::default();
        for _ in 0..3 * PAGE {
            table.push(Series::new(Box::default()));
        }
        let full = table.page_bytes();
        for number in 0..PAGE as u32 + 1 {
            assert!(table.remove(number).is_some());
            assert!(table.remove(number).is_none());
        }
        assert_eq!(table.len(), 2 * PAGE - 1);
        assert_eq!(table.page_bytes(), full - size_of::<Page>());
        assert_eq!(table.next_number(), Some(3 * PAGE as u32));
        assert!(
            table.get(5).is_none() && table.get(PAGE as u32 + 1).is_some() && table.get(u32::MAX).is_none()
        );
        assert_eq!(table.iter().next().map(|(number, _)| number), Some(PAGE as u32 + 1));
    }
}
