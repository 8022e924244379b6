//! Which kinds an API server has, and where their objects are.

use std::collections::HashMap;

use serde::Deserialize;

use super::exchange::{Answer, Call, Trouble, TroubleKind, or_empty};
use super::object::ObjectName;
use super::{Cluster, Pace};

/// The kinds that were asked for, by apiVersion and kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds(HashMap<(String, String), Kind>);

/// Where the objects of a kind are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `/api/v1` or `/apis/apps/v1`.
    root: String,
    /// Such as `deployments`.
    plural: String,
    pub(crate) is_namespaced: bool,
}

impl Kind {
    /// Of all objects, in all namespaces.
    pub(crate) fn all(&self) -> String {
        format!("{}/{}", self.root, self.plural)
    }

    /// Of one object.
    pub(crate) fn path(&self, namespace: Option<&str>, name: &str) -> String {
        if self.is_namespaced {
            format!("{}/namespaces/{}/{}/{name}", self.root, namespace.unwrap_or("default"), self.plural)
        } else {
            format!("{}/{}/{name}", self.root, self.plural)
        }
    }
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default, deserialize_with = "or_empty")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

impl Kinds {
    /// Where an object's kind is. All kinds that are asked for were learnt.
    pub(crate) fn of(&self, name: &ObjectName) -> Result<&Kind, Trouble> {
        self.0.get(&(name.api_version.clone(), name.kind.clone())).ok_or_else(|| lacks(name))
    }

    /// Where the object is.
    pub(crate) fn path(&self, name: &ObjectName) -> Result<String, Trouble> {
        Ok(self.of(name)?.path(name.namespace.as_deref(), &name.name))
    }
}

fn lacks(name: &ObjectName) -> Trouble {
    Trouble::new(TroubleKind::NotFound, format!("it has no kind {} in {}", name.kind, name.api_version))
}

fn root(api_version: &str) -> String {
    if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") }
}

impl Cluster {
    /// Learns where the kinds of `names` are. With `must`, those that are not there yet are waited for: a CustomResourceDefinition
    /// takes a moment. Without, they are left out.
    pub(crate) async fn kinds<'a>(
        &self,
        names: impl IntoIterator<Item = &'a ObjectName>,
        must: bool,
        pace: &Pace,
        waiting: &(dyn Fn(&Trouble) + Sync),
    ) -> Result<Kinds, Trouble> {
        let mut by_version = HashMap::<&str, Vec<&ObjectName>>::new();
        for name in names {
            let wanted = by_version.entry(&name.api_version).or_default();
            if !wanted.iter().any(|other| other.kind == name.kind) {
                wanted.push(name);
            }
        }
        let mut kinds = Kinds::default();
        for (version, wanted) in by_version {
            let root = root(version);
            let may_pass =
                |trouble: &Trouble| trouble.may_pass() || must && trouble.kind == TroubleKind::NotFound;
            let call = Call::get(&root);
            let wanted = &wanted;
            let list = pace
                .persist(version, may_pass, waiting, || async {
                    let list =
                        self.call(&call).await.and_then(|answer: Answer| answer.json::<ResourceList>());
                    let list = match list {
                        // The group itself is not there.
                        Err(trouble) if trouble.kind == TroubleKind::NotFound => {
                            ResourceList { resources: Vec::new() }
                        }
                        list => list?,
                    };
                    let missing = wanted
                        .iter()
                        .find(|name| !list.resources.iter().any(|resource| resource.kind == name.kind));
                    match missing {
                        Some(name) if must => Err(lacks(name)),
                        _ => Ok(list),
                    }
                })
                .await?;
            // Subresources have the kind of what they are part of.
            for resource in list.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
                let key = (version.to_owned(), resource.kind);
                let kind =
                    Kind { root: root.clone(), plural: resource.name, is_namespaced: resource.namespaced };
                kinds.0.insert(key, kind);
            }
        }
        Ok(kinds)
    }
}
