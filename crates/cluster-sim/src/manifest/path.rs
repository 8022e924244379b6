//! Where in a document: `spec.containers[0].image`.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To a key of a mapping.
    Key(String),
    /// To an item of a sequence.
    Index(usize),
}

/// Steps from a document's top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// A path of keys: `Path::keys("spec.template")`.
    pub(crate) fn keys(dotted: &str) -> Path {
        Path(dotted.split('.').map(|key| Step::Key(key.to_owned())).collect())
    }

    /// From here on to `key`.
    pub(crate) fn key(&self, key: &str) -> Path {
        self.step(Step::Key(key.to_owned()))
    }

    /// From here on to the `index`-th item.
    pub(crate) fn index(&self, index: usize) -> Path {
        self.step(Step::Index(index))
    }

    /// From here on by keys: `path.then("spec.containers")`.
    pub(crate) fn then(&self, dotted: &str) -> Path {
        dotted.split('.').fold(self.clone(), |path, key| path.key(key))
    }

    pub(crate) fn step(&self, step: Step) -> Path {
        let mut path = self.clone();
        path.0.push(step);
        path
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                // Keys of labels and annotations have dots of their own.
                Step::Key(key) if key.contains(['.', '/', '[', ' ']) => write!(f, "[{key:?}]")?,
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}
