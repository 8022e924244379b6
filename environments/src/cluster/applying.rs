//! Objects in and out, many at a time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::discovery::{Kind, Kinds};
use super::exchange::{Answer, Call, Form, Trouble, TroubleKind, or_empty};
use super::object::{ObjectName, TURNS};
use super::{Cluster, FIELD_MANAGER, Pace};
use crate::plan::{Progress, Removal};

/// Objects in an answer, at most.
const PAGE: &str = "1000";

/// What applying came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects that were not there.
    pub created: usize,
    /// Objects that were there and are different now. What others changed in the same moment counts here, too.
    pub changed: usize,
    /// Objects that were as they should be.
    pub unchanged: usize,
}

impl Applied {
    /// All of them.
    pub fn total(&self) -> usize {
        self.created + self.changed + self.unchanged
    }
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Applied { created, changed, unchanged } = self;
        write!(f, "{} objects: {created} created, {changed} changed, {unchanged} unchanged", self.total())
    }
}

/// An object and who it is.
struct Item<'a> {
    name: ObjectName,
    object: &'a Value,
}

/// What became of one.
enum Outcome {
    Created,
    Changed,
    Unchanged,
}

/// The versions of objects, before anything is done.
type Versions = HashMap<ObjectName, String>;

impl Cluster {
    /// Makes `objects` what they are to be, by server-side apply, which wins over others: namespaces and kinds first, then what
    /// is of no namespace, then configuration, then workloads. A `status` goes to the status subresource. Objects may be applied
    /// any number of times; one that cannot be changed as asked for, such as a Job's template, is made anew.
    ///
    /// # Errors
    /// When the server refuses an object: which one, which field, and why. When trouble that may go away (a busy server, a
    /// restart, a kind or service account that is not there yet) does not within the patience of `pace`. What was applied until
    /// then stays; applying again goes on from there.
    pub async fn apply(
        &self,
        objects: &[Value],
        pace: Pace,
        progress: &Progress<'_>,
    ) -> anyhow::Result<Applied> {
        let items = items(objects)?;
        let done = AtomicUsize::new(0);
        let total = items.len();
        let waiting = |trouble: &Trouble| {
            progress.show(&format!(
                "{} of {total} objects; waiting: {}",
                done.load(Ordering::Relaxed),
                trouble.words
            ));
        };
        let mut applied = Applied::default();
        for turn in 0..TURNS {
            let items: Vec<&Item<'_>> = items.iter().filter(|item| item.name.turn() == turn).collect();
            if items.is_empty() {
                continue;
            }
            let names = || items.iter().map(|item| &item.name);
            let kinds = self
                .kinds(names(), true, &pace, &waiting)
                .await
                .map_err(|trouble| trouble.error("the objects cannot be applied", &self.address))?;
            let versions = self
                .versions(&kinds, names(), &pace)
                .await
                .map_err(|trouble| trouble.error("what is there cannot be listed", &self.address))?;
            // Collected first: a closure inside of the stream would make the future unfit for other threads.
            let applications: Vec<_> = items
                .iter()
                .map(|item| {
                    let (kinds, versions, waiting, done) = (&kinds, &versions, &waiting, &done);
                    async move {
                        let outcome = self.apply_one(item, kinds, versions, &pace, waiting).await;
                        let outcome = outcome.map_err(|trouble| {
                            trouble.error(&format!("{} cannot be applied", item.name), &self.address)
                        })?;
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        progress.show(&format!("{done} of {total} objects"));
                        anyhow::Ok(outcome)
                    }
                })
                .collect();
            let outcomes: Vec<Outcome> =
                stream::iter(applications).buffer_unordered(pace.concurrency.max(1)).try_collect().await?;
            for outcome in outcomes {
                *match outcome {
                    Outcome::Created => &mut applied.created,
                    Outcome::Changed => &mut applied.changed,
                    Outcome::Unchanged => &mut applied.unchanged,
                } += 1;
            }
        }
        Ok(applied)
    }

    async fn apply_one(
        &self,
        item: &Item<'_>,
        kinds: &Kinds,
        versions: &Versions,
        pace: &Pace,
        waiting: &(dyn Fn(&Trouble) + Sync),
    ) -> Result<Outcome, Trouble> {
        let path = kinds.path(&item.name)?;
        let mut object = item.object.clone();
        let status = object.as_object_mut().and_then(|fields| fields.remove("status"));
        let call = Call::apply(&path, &object);
        let mut answer = match self.persist_one(&path, &call, pace, waiting).await {
            Err(trouble) if is_for_good(&trouble) => {
                self.remove_first(&path, pace, waiting).await?;
                self.persist_one(&path, &call, pace, waiting).await?
            }
            answer => answer?,
        };
        let is_new = answer.status == StatusCode::CREATED;
        if let Some(status) = status {
            let ObjectName { api_version, kind, .. } = &item.name;
            let mut metadata = json!({"name": item.name.name});
            if let Some(namespace) = &item.name.namespace {
                metadata["namespace"] = json!(namespace);
            }
            let object =
                json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "status": status});
            let call = Call::apply(format!("{path}/status"), &object);
            answer = self.persist_one(&path, &call, pace, waiting).await?;
        }
        let version = answer.json::<Partial>()?.metadata.resource_version;
        Ok(match versions.get(&item.name) {
            None if is_new => Outcome::Created,
            Some(before) if *before == version => Outcome::Unchanged,
            _ => Outcome::Changed,
        })
    }

    /// Deletes an object and waits until it is gone.
    async fn remove_first(
        &self,
        path: &str,
        pace: &Pace,
        waiting: &(dyn Fn(&Trouble) + Sync),
    ) -> Result<(), Trouble> {
        let gone =
            |trouble: Trouble| if trouble.kind == TroubleKind::NotFound { Ok(()) } else { Err(trouble) };
        self.persist_one(path, &Call::delete(path), pace, waiting).await.map(|_| ()).or_else(gone)?;
        let call = Call::get(path).form(Form::Metadata);
        let look = || async {
            match self.call(&call).await {
                Ok(_) => Err(Trouble::new(TroubleKind::Early, "it is being deleted, to be made anew")),
                Err(trouble) => gone(trouble),
            }
        };
        pace.persist(path, Trouble::may_pass, waiting, look).await
    }

    async fn persist_one(
        &self,
        whose: &str,
        call: &Call,
        pace: &Pace,
        waiting: &(dyn Fn(&Trouble) + Sync),
    ) -> Result<Answer, Trouble> {
        pace.persist(whose, Trouble::may_pass, waiting, || self.call(call)).await
    }

    /// The versions of everything that is there of the kinds of `names`.
    async fn versions<'a>(
        &self,
        kinds: &Kinds,
        names: impl Iterator<Item = &'a ObjectName>,
        pace: &Pace,
    ) -> Result<Versions, Trouble> {
        let mut versions = Versions::new();
        for (sample, kind) in distinct_kinds(kinds, names)? {
            for partial in self.list_metadata(&kind, pace).await? {
                let (name, version) = partial.named(&sample);
                versions.insert(name, version);
            }
        }
        Ok(versions)
    }

    /// The metadata of all objects of a kind, in pages.
    async fn list_metadata(&self, kind: &Kind, pace: &Pace) -> Result<Vec<Partial>, Trouble> {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let mut call = Call::get(kind.all()).query("limit", PAGE).form(Form::MetadataList);
            if !next.is_empty() {
                call = call.query("continue", &next);
            }
            let page: PartialList = self.insist(&call, pace).await?.json()?;
            found.extend(page.items);
            next = page.metadata.r#continue;
            if next.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Deletes `objects`, what stands on others first. Objects and kinds that are not there are no error.
    ///
    /// # Errors
    /// When the server does not let one go.
    pub async fn delete(&self, objects: &[Value]) -> anyhow::Result<Removal> {
        let names = items(objects)?.into_iter().map(|item| item.name).collect();
        let removed = self.delete_named(names, Pace::default()).await?;
        Ok(if removed == 0 { Removal::Nothing } else { Removal::Removed })
    }

    /// Deletes what [`Cluster::apply`] once made of these kinds and what is not among `objects` any more, and says how many
    /// those were. What others made stays: the server remembers who applied what.
    ///
    /// # Errors
    /// When the server does not list them or does not let one go.
    pub async fn prune(
        &self,
        kinds: &[(&str, &str)],
        objects: &[Value],
        pace: Pace,
    ) -> anyhow::Result<usize> {
        let keep: HashSet<ObjectName> = items(objects)?.into_iter().map(|item| item.name).collect();
        let samples: Vec<ObjectName> = kinds
            .iter()
            .map(|(api_version, kind)| ObjectName {
                api_version: (*api_version).to_owned(),
                kind: (*kind).to_owned(),
                namespace: None,
                name: String::new(),
            })
            .collect();
        let listed = async {
            let known = self.kinds(&samples, false, &pace, &|_| {}).await?;
            let present = samples.iter().filter(|sample| known.of(sample).is_ok());
            let mut stale = Vec::new();
            for (sample, kind) in distinct_kinds(&known, present)? {
                let ours = self.list_metadata(&kind, &pace).await?.into_iter().filter(Partial::is_ours);
                stale
                    .extend(ours.map(|partial| partial.named(&sample).0).filter(|name| !keep.contains(name)));
            }
            Ok(stale)
        };
        let stale = listed
            .await
            .map_err(|trouble: Trouble| trouble.error("what is there cannot be listed", &self.address))?;
        self.delete_named(stale, pace).await
    }

    async fn delete_named(&self, names: Vec<ObjectName>, pace: Pace) -> anyhow::Result<usize> {
        let mut removed = 0;
        let kinds = self
            .kinds(&names, false, &pace, &|_| {})
            .await
            .map_err(|trouble| trouble.error("the objects cannot be deleted", &self.address))?;
        for turn in (0..TURNS).rev() {
            let deletions: Vec<_> = names
                .iter()
                .filter(|name| name.turn() == turn)
                .map(|name| {
                    let path = kinds.path(name);
                    async move {
                        let deleted = async { self.insist(&Call::delete(path?), &pace).await };
                        match deleted.await {
                            Ok(_) => Ok(1),
                            Err(trouble) if trouble.kind == TroubleKind::NotFound => Ok(0),
                            Err(trouble) => {
                                Err(trouble.error(&format!("{name} cannot be deleted"), &self.address))
                            }
                        }
                    }
                })
                .collect();
            let deletions: Vec<usize> =
                stream::iter(deletions).buffer_unordered(pace.concurrency.max(1)).try_collect().await?;
            removed += deletions.iter().sum::<usize>();
        }
        Ok(removed)
    }
}

/// Whether the server says that an object which is there cannot be changed like this: it has to be made anew.
fn is_for_good(trouble: &Trouble) -> bool {
    trouble.kind == TroubleKind::Refused
        && [
            "field is immutable",
            "is immutable after creation",
            "updates to statefulset spec",
            "pod updates may not change",
        ]
        .iter()
        .any(|words| trouble.words.contains(words))
}

/// The objects with their names; two of one name would be applied in no order.
fn items(objects: &[Value]) -> anyhow::Result<Vec<Item<'_>>> {
    let mut seen = HashSet::new();
    objects
        .iter()
        .map(|object| {
            let name = ObjectName::of(object)?;
            anyhow::ensure!(seen.insert(name.clone()), "{name} is there twice");
            Ok(Item { name, object })
        })
        .collect()
}

/// Each kind of `names` once, with one name of it.
fn distinct_kinds<'a>(
    kinds: &Kinds,
    names: impl Iterator<Item = &'a ObjectName>,
) -> Result<Vec<(ObjectName, Kind)>, Trouble> {
    let distinct: BTreeMap<(&str, &str), &ObjectName> =
        names.map(|name| ((&*name.api_version, &*name.kind), name)).collect();
    distinct.into_values().map(|name| Ok((name.clone(), kinds.of(name)?.clone()))).collect()
}

#[derive(Deserialize)]
struct PartialList {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(default, deserialize_with = "or_empty")]
    items: Vec<Partial>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMetadata {
    r#continue: String,
}

/// An object's metadata, as far as it matters here.
#[derive(Deserialize)]
struct Partial {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    resource_version: String,
    #[serde(default, deserialize_with = "or_empty")]
    managed_fields: Vec<Managed>,
}

#[derive(Deserialize)]
struct Managed {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
}

impl Partial {
    /// Its name, as one of the kind of `sample`, and its version.
    fn named(self, sample: &ObjectName) -> (ObjectName, String) {
        let Metadata { name, namespace, resource_version, .. } = self.metadata;
        (ObjectName { name, namespace, ..sample.clone() }, resource_version)
    }

    fn is_ours(&self) -> bool {
        let fields = &self.metadata.managed_fields;
        fields.iter().any(|entry| entry.manager == FIELD_MANAGER && entry.operation == "Apply")
    }
}
