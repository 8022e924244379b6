//! Networks, and who is on them.

use std::collections::HashMap;

use anyhow::bail;
use bollard::models::NetworkInspect;
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};

use super::containers::name_of;
use super::errors::{Fault, failed, told};
use super::spec::{ENVIRONMENT_LABEL, NetworkSpec, SPEC_LABEL, check_name};
use super::{Engine, Ours, OursKind, body};
use crate::plan::{Removal, State};

/// A container on a network, running or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// Whether it is one of ours, of any environment.
    pub ours: bool,
    /// Whether it runs. Only then does it keep the network from being removed.
    pub running: bool,
}

/// Whose something is that has a name of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// There is nothing of this name.
    Absent,
    /// An environment of ours, by its name.
    Environment(String),
    /// Not one of ours.
    SomebodyElse,
}

impl Engine {
    /// What is there of a network.
    ///
    /// # Errors
    /// When a network that is not ours has its name, or the engine does not answer.
    pub async fn look_network(&self, spec: &NetworkSpec) -> anyhow::Result<State> {
        spec.check()?;
        let Some(network) = self.inspect_network(&spec.name).await? else { return Ok(State::Absent) };
        check_ours(&spec.name, &network, Some(&spec.environment))?;
        if label(&network, SPEC_LABEL) != Some(&spec.hash()) {
            return Ok(State::Different("its settings".to_owned()));
        }
        Ok(State::Up(words(spec)))
    }

    /// Whose a network is: the environment's name in its label, none where it has no label.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn network_owner(&self, name: &str) -> anyhow::Result<Owner> {
        Ok(match self.inspect_network(name).await? {
            None => Owner::Absent,
            Some(network) => match label(&network, ENVIRONMENT_LABEL) {
                Some(environment) => Owner::Environment(environment.clone()),
                None => Owner::SomebodyElse,
            },
        })
    }

    /// Makes a network. It goes on to its end when it is dropped, and [`remove_network`](Self::remove_network) waits for that.
    ///
    /// # Errors
    /// When there is one of that name, or the engine has no addresses left.
    pub async fn create_network(&self, spec: &NetworkSpec) -> anyhow::Result<()> {
        spec.check()?;
        let (engine, spec) = (self.clone(), spec.clone());
        self.to_its_end(&turn(&spec.name), async move { engine.make_network(&spec).await }).await
    }

    async fn make_network(&self, spec: &NetworkSpec) -> anyhow::Result<()> {
        let name = &spec.name;
        // Older engines make another one of the same name.
        if let Some(network) = self.inspect_network(name).await? {
            check_ours(name, &network, Some(&spec.environment))?;
            bail!("a network named {name} is there already: another command may be at work");
        }
        match self.docker().await?.create_network(body::network(spec)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match Fault::of(&error) {
                Fault::NameTaken => told(format!("a network named {name} is there already"), &error),
                _ => failed(&format!("make the network {name}"), &error),
            }),
        }
    }

    /// Removes a network.
    ///
    /// # Errors
    /// When it is not ours, or containers are still on it.
    pub async fn remove_network(&self, name: &str) -> anyhow::Result<Removal> {
        check_name("network", name)?;
        let _turn = self.turns.take(&turn(name)).await;
        let Some(network) = self.inspect_network(name).await? else { return Ok(Removal::Nothing) };
        check_ours(name, &network, None)?;
        let Err(error) = self.docker().await?.remove_network(name).await else { return Ok(Removal::Removed) };
        match Fault::of(&error) {
            // Somebody else has removed it.
            Fault::NoNetwork => Ok(Removal::Removed),
            Fault::InUse => {
                let guests = self.guests(name).await.unwrap_or_default();
                let guests: Vec<_> =
                    guests.into_iter().filter(|guest| guest.running).map(|guest| guest.name).collect();
                let first = guests.first().map_or("CONTAINER", String::as_str);
                let line = format!(
                    "the network {name} cannot be removed, as containers are on it ({}): docker network disconnect -f {name} \
                     {first}",
                    guests.join(", ")
                );
                Err(told(line, &error))
            }
            _ => Err(failed(&format!("remove the network {name}"), &error)),
        }
    }

    /// The containers on a network, by name. None if there is no such network.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn guests(&self, network: &str) -> anyhow::Result<Vec<Guest>> {
        let mut guests: Vec<Guest> = self
            .list("network", network)
            .await?
            .into_iter()
            .map(|container| {
                let name = name_of(&container);
                let running = matches!(
                    container.state,
                    Some(
                        bollard::models::ContainerSummaryStateEnum::RUNNING
                            | bollard::models::ContainerSummaryStateEnum::PAUSED
                            | bollard::models::ContainerSummaryStateEnum::RESTARTING
                    )
                );
                let labels = container.labels.unwrap_or_default();
                Guest { name, ours: labels.contains_key(ENVIRONMENT_LABEL), labels, running }
            })
            .collect();
        guests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(guests)
    }

    /// The networks of an environment.
    pub(super) async fn networks_of(&self, environment: &str) -> anyhow::Result<Vec<Ours>> {
        let label = format!("{ENVIRONMENT_LABEL}={environment}");
        let filters = HashMap::from([("label".to_owned(), vec![label])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let listed = self.docker().await?.list_networks(Some(options)).await;
        let networks = listed.map_err(|error| failed("list the engine's networks", &error))?;
        let ours = networks.into_iter().map(|network| Ours {
            kind: OursKind::Network,
            name: network.name.unwrap_or_default(),
            state: network.driver.unwrap_or_default(),
        });
        Ok(ours.collect())
    }

    async fn inspect_network(&self, name: &str) -> anyhow::Result<Option<NetworkInspect>> {
        match self.docker().await?.inspect_network(name, None::<InspectNetworkOptions>).await {
            // A name can also be the beginning of an identifier.
            Ok(network) => Ok(Some(network).filter(|network| network.name.as_deref() == Some(name))),
            Err(error) => match Fault::of(&error) {
                Fault::NoNetwork => Ok(None),
                Fault::Ambiguous => {
                    let line = format!(
                        "there are several networks named {name}: `docker network ls --filter name={name}` lists them, \
                         `docker network rm ID` removes one"
                    );
                    Err(told(line, &error))
                }
                _ => Err(failed(&format!("look at the network {name}"), &error)),
            },
        }
    }
}

/// What changes of a network are made one after the other by.
fn turn(name: &str) -> String {
    format!("network {name}")
}

fn words(spec: &NetworkSpec) -> String {
    if spec.publish_on_loopback { "published on 127.0.0.1 only" } else { "published on all addresses" }
        .to_owned()
}

fn label<'a>(network: &'a NetworkInspect, name: &str) -> Option<&'a String> {
    network.labels.as_ref()?.get(name)
}

/// Refuses a network that is not of an environment, or of none of ours.
fn check_ours(name: &str, network: &NetworkInspect, environment: Option<&str>) -> anyhow::Result<()> {
    match (label(network, ENVIRONMENT_LABEL), environment) {
        (None, _) => {
            bail!(
                "a network named {name} is there that is not ours: if nobody needs it, docker network rm {name}"
            )
        }
        (Some(other), Some(environment)) if other != environment => {
            bail!("the network {name} belongs to the environment {other:?}, not to {environment:?}")
        }
        (Some(_), _) => Ok(()),
    }
}
