//! What the engine asks of us: files and somewhere to send traces.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rsjsonnet_lang::interner::InternedStr;
use rsjsonnet_lang::program::{
    Callbacks, EvalStackTraceItem, ImportError, LoadError, NativeError, Program, Thunk, Value,
};
use rsjsonnet_lang::span::{SourceId, SpanContext, SpanId};

use super::error::{Error, ErrorKind, Place, Source};
use super::evaluate::{Limits, Trace};
use super::messages;
use super::nesting;
use super::sources::{self, NotFound, Roots};

/// The sources of one evaluation.
pub(super) struct Host<'a, 'p> {
    roots: Option<&'a Roots>,
    limits: &'a Limits,
    sources: HashMap<SourceId, Arc<Source>>,
    imported: HashMap<PathBuf, Thunk<'p>>,
    bytes_read: u64,
    /// Why the last import failed: the engine itself only carries "failed".
    import_failure: Option<Error>,
    pub(super) traces: Vec<Trace>,
    /// Every file that was read or looked for: shared with who waits, and may not wait until the end.
    files: Files,
}

/// The files of an evaluation that may still be going on.
pub(super) type Files = Arc<Mutex<BTreeSet<PathBuf>>>;

impl<'a, 'p> Host<'a, 'p> {
    pub(super) fn new(
        roots: Option<&'a Roots>,
        limits: &'a Limits,
        program: &Program<'p>,
        files: Files,
    ) -> Self {
        let (std_id, std_text) = program.get_stdlib_source();
        let std_text = String::from_utf8_lossy(std_text).into_owned();
        let std = Arc::new(Source { name: "std".to_owned(), path: None, text: std_text });
        Self {
            roots,
            limits,
            sources: HashMap::from([(std_id, std)]),
            imported: HashMap::new(),
            bytes_read: 0,
            import_failure: None,
            traces: Vec::new(),
            files,
        }
    }

    pub(super) fn place(&self, program: &Program<'p>, span: SpanId) -> Option<Place> {
        let (context, start, end) = program.span_manager().get_span(span);
        let SpanContext::Source(id) = program.span_manager().get_context(context);
        self.sources.get(id).map(|source| Place::new(Arc::clone(source), start..end))
    }

    pub(super) fn take_import_failure(&mut self) -> Option<Error> {
        self.import_failure.take()
    }

    /// Parses a text that is already here.
    pub(super) fn load_text(
        &mut self,
        program: &mut Program<'p>,
        name: &str,
        path: Option<PathBuf>,
        text: &str,
    ) -> Result<Thunk<'p>, Error> {
        if let Some((start, end)) = nesting::too_deep(text, self.limits.nesting) {
            let source = Arc::new(Source { name: name.to_owned(), path, text: text.to_owned() });
            let message = format!("the text nests deeper than {} levels here", self.limits.nesting);
            return Err(Error::new(ErrorKind::Limit, message, Some(Place::new(source, start..end))));
        }
        let (context, id) = program.span_manager_mut().insert_source_context(text.len());
        self.sources.insert(id, Arc::new(Source { name: name.to_owned(), path, text: text.to_owned() }));
        program
            .load_source(context, text.as_bytes(), true, name)
            .map_err(|error: LoadError| messages::load_error(&error, |span| self.place(program, span)))
    }

    /// Reads and parses a file, once.
    pub(super) fn load_file(
        &mut self,
        program: &mut Program<'p>,
        importing: Option<&Path>,
        path: &str,
    ) -> Result<Thunk<'p>, Error> {
        let canonical = self.find(importing, path)?;
        if let Some(thunk) = self.imported.get(&canonical) {
            return Ok(thunk.clone());
        }
        let text = self.read_text(&canonical, path)?;
        let name = self.roots.map_or_else(|| path.to_owned(), |roots| roots.display_name(&canonical));
        let thunk = self.load_text(program, &name, Some(canonical.clone()), &text)?;
        self.imported.insert(canonical, thunk.clone());
        Ok(thunk)
    }

    fn note(&self, files: impl IntoIterator<Item = PathBuf>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).extend(files);
    }

    fn find(&mut self, importing: Option<&Path>, path: &str) -> Result<PathBuf, Error> {
        let failed =
            |why: String| Error::new(ErrorKind::Import, format!("cannot import {path:?}: {why}"), None);
        let Some(roots) = self.roots else {
            return Err(failed("this text has no files around it".to_owned()));
        };
        match roots.resolve(importing, path) {
            Ok(found) => {
                self.note(found.looked_for.into_iter().chain([found.canonical.clone()]));
                Ok(found.canonical)
            }
            Err(NotFound::Nowhere { looked_for }) => {
                let places: Vec<String> =
                    looked_for.iter().map(|candidate| candidate.display().to_string()).collect();
                self.note(looked_for);
                Err(failed(format!("there is no such file (looked for {})", places.join(", "))))
            }
            Err(NotFound::Outside { canonical }) => {
                let folders: Vec<String> =
                    roots.folders().iter().map(|folder| folder.display().to_string()).collect();
                Err(failed(format!(
                    "it leads to {}, outside of the source folders ({})",
                    canonical.display(),
                    folders.join(", ")
                )))
            }
            Err(NotFound::Folder) => Err(failed("it is a folder".to_owned())),
            Err(NotFound::Unreadable { error }) => Err(failed(error)),
        }
    }

    fn read_bytes(&mut self, canonical: &Path, path: &str) -> Result<Vec<u8>, Error> {
        let failed =
            |why: String| Error::new(ErrorKind::Import, format!("cannot read {path:?}: {why}"), None);
        let left = self.limits.source_bytes.saturating_sub(self.bytes_read);
        let bytes = sources::read(canonical, left).map_err(failed)?;
        self.bytes_read += bytes.len() as u64;
        Ok(bytes)
    }

    fn read_text(&mut self, canonical: &Path, path: &str) -> Result<String, Error> {
        let bytes = self.read_bytes(canonical, path)?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!("cannot read {path:?}: line {line} is not UTF-8");
            Error::new(ErrorKind::Import, message, None)
        })
    }

    fn importing_folder(&self, program: &Program<'p>, from: SpanId) -> Option<PathBuf> {
        let place = self.place(program, from)?;
        Some(place.source.path.as_ref()?.parent()?.to_owned())
    }

    /// Keeps why an import failed, with the import itself as the place when the failure has none of its own.
    fn keep<T>(
        &mut self,
        program: &Program<'p>,
        from: SpanId,
        result: Result<T, Error>,
    ) -> Result<T, ImportError> {
        result.map_err(|mut error| {
            if error.place.is_none() {
                error.place = self.place(program, from);
            }
            self.import_failure = Some(error);
            ImportError
        })
    }
}

impl<'p> Callbacks<'p> for Host<'_, 'p> {
    fn import(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<Thunk<'p>, ImportError> {
        let folder = self.importing_folder(program, from);
        let result = self.load_file(program, folder.as_deref(), path);
        self.keep(program, from, result)
    }

    fn import_str(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<String, ImportError> {
        let folder = self.importing_folder(program, from);
        let result =
            self.find(folder.as_deref(), path).and_then(|canonical| self.read_text(&canonical, path));
        self.keep(program, from, result)
    }

    fn import_bin(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<Vec<u8>, ImportError> {
        let folder = self.importing_folder(program, from);
        let result =
            self.find(folder.as_deref(), path).and_then(|canonical| self.read_bytes(&canonical, path));
        self.keep(program, from, result)
    }

    fn trace(&mut self, program: &mut Program<'p>, message: &str, stack: &[EvalStackTraceItem]) {
        if self.traces.len() >= self.limits.traces {
            return;
        }
        let place = stack.iter().rev().filter_map(messages::frame_span).find_map(|span| {
            let place = self.place(program, span)?;
            (place.source.name != "std").then_some(place)
        });
        self.traces.push(Trace { message: message.to_owned(), place });
    }

    /// No native function is registered, so this is never reached.
    fn native_call(
        &mut self,
        _program: &mut Program<'p>,
        _name: InternedStr<'p>,
        _args: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}
