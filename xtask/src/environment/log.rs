//! The log of a detached environment: what it would have said on a terminal. Bounded, and readable by its user alone.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// A log, and the one before it under the same name with `.1` at the end.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
}

/// A log that has grown beyond this is moved away.
const LARGEST: u64 = 4 << 20;

impl LogFile {
    /// The log at `path`. It need not exist.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a new one, to be written at its end only. What was there becomes the log before.
    pub(crate) fn begin(&self) -> std::io::Result<File> {
        match std::fs::rename(&self.path, self.before()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = File::options();
        options.append(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(&self.path)
    }

    /// Empties a log that has grown too large, after copying it to the log before. Its writer writes on: it appends.
    pub(crate) fn bound(&self) -> std::io::Result<()> {
        if std::fs::metadata(&self.path)?.len() <= LARGEST {
            return Ok(());
        }
        std::fs::copy(&self.path, self.before())?;
        File::options().write(true).open(&self.path)?.set_len(0)
    }

    /// The last `lines` of it, or all of it, and the place after them.
    pub(crate) fn last(&self, lines: Option<usize>) -> std::io::Result<(Vec<u8>, Reader)> {
        let mut reader = self.reader();
        let mut text = reader.read_new()?;
        if let Some(lines) = lines {
            text.drain(..start_of_last(&text, lines));
        }
        Ok((text, reader))
    }

    /// Reads it from the start, as it grows.
    pub(crate) fn reader(&self) -> Reader {
        Reader { path: self.path.clone(), position: 0 }
    }

    fn before(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".1");
        name.into()
    }
}

/// Where the last `lines` lines begin.
fn start_of_last(text: &[u8], lines: usize) -> usize {
    let Some(lines_before) = lines.checked_sub(1) else { return text.len() };
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let mut ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    ends.nth(lines_before).unwrap_or(0)
}

/// Follows a log.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    position: u64,
}

impl Reader {
    /// What has been written since the last time. A log that became shorter is read from its start.
    pub(crate) fn read_new(&mut self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.position {
            self.position = 0;
        }
        file.seek(SeekFrom::Start(self.position))?;
        let mut text = Vec::new();
        // A log is bounded only between two looks at its size.
        let read = file.take(4 * LARGEST).read_to_end(&mut text)?;
        self.position += u64::try_from(read).unwrap_or(u64::MAX);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A folder that is removed in the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("kubernetes-mixin-otel-log-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn log(&self) -> LogFile {
            LogFile::at(self.0.join("kwok.log"))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_last_lines_are_found_with_and_without_an_end_of_line() {
        for (text, lines, last) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 2, "b\nc"),
            ("a\nb\nc\n", 1, "c\n"),
            ("a\nb\nc\n", 9, "a\nb\nc\n"),
            ("a\n\n\n", 2, "\n\n"),
            ("a\nb\n", 0, ""),
            ("", 3, ""),
        ] {
            assert_eq!(&text[start_of_last(text.as_bytes(), lines)..], last, "{text:?} {lines}");
        }
    }

    #[test]
    fn a_new_run_begins_a_new_log_and_keeps_the_one_before() {
        let scratch = Scratch::new("begin");
        let log = scratch.log();
        assert!(log.last(None).is_err(), "there is no log yet");
        writeln!(log.begin().unwrap(), "first").unwrap();
        writeln!(log.begin().unwrap(), "second").unwrap();
        assert_eq!(log.last(None).unwrap().0, b"second\n");
        assert_eq!(std::fs::read(log.before()).unwrap(), b"first\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(log.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_log_is_bounded_while_it_is_written_and_followed() {
        let scratch = Scratch::new("bound");
        let log = scratch.log();
        let mut writer = log.begin().unwrap();
        let long = vec![b'x'; usize::try_from(LARGEST).unwrap()];
        writer.write_all(&long).unwrap();
        let mut reader = log.reader();
        assert_eq!(reader.read_new().unwrap().len(), long.len());
        log.bound().unwrap();
        writeln!(writer, "still small enough").unwrap();
        assert_eq!(reader.read_new().unwrap(), b"still small enough\n");
        log.bound().unwrap();
        writeln!(writer, "anew").unwrap();
        assert_eq!(std::fs::metadata(log.path()).unwrap().len(), 5);
        assert_eq!(reader.read_new().unwrap(), b"anew\n");
        assert_eq!(reader.read_new().unwrap(), b"");
        assert!(std::fs::metadata(log.before()).unwrap().len() > LARGEST);
    }
}
