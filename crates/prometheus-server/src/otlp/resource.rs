//! What the resource of a message brings to its series.

use std::hash::{Hash, Hasher};

use catalogue::prometheus::label_name;
use labels::{Labels, LabelsBuilder, METRIC_NAME, Quoted};
use rustc_hash::FxHasher;

use super::text;
use otlp::message::{AnyValue, KeyValue, Value};

const SERVICE_NAME: &str = "service.name";
const SERVICE_NAMESPACE: &str = "service.namespace";
const SERVICE_INSTANCE: &str = "service.instance.id";

/// The name of the series that carries what a resource's other series do not.
const TARGET_INFO: &str = "target_info";

/// A resource, with what is worked out of it once.
#[derive(Debug)]
pub(super) struct KnownResource {
    attributes: Vec<KeyValue>,
    /// The labels of its promoted attributes.
    promoted: Labels,
    job: String,
    instance: String,
    /// The labels of its `target_info` series, if it gets one.
    pub(super) target_info: Option<Labels>,
    /// Why it cannot have the `target_info` that it should get.
    pub(super) wrong_name: Option<String>,
}

impl KnownResource {
    pub(super) fn new(attributes: &[KeyValue], promoted: &[String]) -> Self {
        let value = |key: &str| {
            attributes.iter().find(|attribute| attribute.key == key).map(|a| text::of_value(a.value.as_ref()))
        };
        let mut labels = LabelsBuilder::default();
        for key in promoted {
            if let Some(value) = value(key) {
                labels.set(&label_name(key), &value);
            }
        }
        let name = value(SERVICE_NAME);
        let job = match (name, value(SERVICE_NAMESPACE)) {
            (Some(name), Some(namespace)) => format!("{namespace}/{name}"),
            (Some(name), None) => name,
            (None, _) => String::new(),
        };
        let mut known = Self {
            attributes: attributes.to_vec(),
            promoted: labels.build(),
            job,
            instance: value(SERVICE_INSTANCE).unwrap_or_default(),
            target_info: None,
            wrong_name: None,
        };
        match known.make_target_info() {
            Ok(target_info) => known.target_info = target_info,
            Err(reason) => known.wrong_name = Some(reason),
        }
        known
    }

    pub(super) fn is(&self, attributes: &[KeyValue]) -> bool {
        self.attributes == attributes
    }

    /// The labels of a data point's series, without its name.
    ///
    /// Attributes of the point win over promoted ones of the resource, `job` and `instance` over both. Attributes that
    /// become the same label are joined.
    ///
    /// # Errors
    /// When an attribute's key cannot be made a label's name.
    pub(super) fn series_labels(&self, attributes: &[KeyValue]) -> Result<LabelsBuilder, String> {
        let mut builder = joined(attributes)?;
        let labels = builder.clone().build();
        for label in &self.promoted {
            if labels.get(&label.name).is_none() {
                builder.set_arc(label.name.clone(), label.value.clone());
            }
        }
        self.identify(&mut builder);
        Ok(builder)
    }

    fn identify(&self, builder: &mut LabelsBuilder) {
        if !self.job.is_empty() {
            builder.set("job", &self.job);
        }
        if !self.instance.is_empty() {
            builder.set("instance", &self.instance);
        }
    }

    /// A resource gets a `target_info` if it can be told from others and there is anything to say about it. It keeps the
    /// attributes that identify it, as our Prometheus is configured (`keep_identifying_resource_attributes`).
    fn make_target_info(&self) -> Result<Option<Labels>, String> {
        let identifying = [SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_INSTANCE];
        let says_more = self.attributes.iter().any(|a| !identifying.contains(&a.key.as_str()));
        if !says_more || (self.job.is_empty() && self.instance.is_empty()) {
            return Ok(None);
        }
        let mut builder = joined(&self.attributes)?;
        self.identify(&mut builder);
        builder.set(METRIC_NAME, TARGET_INFO);
        Ok(Some(builder.build()))
    }
}

/// The labels of attributes, in the order of their keys: those that become the same label are joined with `;`.
fn joined(attributes: &[KeyValue]) -> Result<LabelsBuilder, String> {
    let mut sorted: Vec<&KeyValue> = attributes.iter().filter(|a| a.key != METRIC_NAME).collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut labels: Vec<(String, String)> = Vec::with_capacity(sorted.len());
    for attribute in sorted {
        let name = checked_name(&attribute.key)?;
        let value = text::of_value(attribute.value.as_ref());
        match labels.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) if !values.is_empty() => {
                values.push(';');
                values.push_str(&value);
            }
            Some((_, values)) => *values = value,
            None => labels.push((name, value)),
        }
    }
    let mut builder = LabelsBuilder::default();
    for (name, value) in &labels {
        builder.set(name, value);
    }
    Ok(builder)
}

/// The label's name for an attribute, or why it has none, in Prometheus' words.
fn checked_name(key: &str) -> Result<String, String> {
    if key.is_empty() {
        return Err("label name is empty".to_owned());
    }
    let name = label_name(key);
    if name.bytes().all(|byte| byte == b'_') {
        return Err(format!(
            "normalization for label name {} resulted in invalid name \"{name}\"",
            Quoted(key)
        ));
    }
    Ok(name)
}

/// A hash of attributes in their order. Floats count by their bits.
pub(super) fn hash_of(attributes: &[KeyValue]) -> u64 {
    let mut hasher = FxHasher::default();
    hash_entries(attributes, &mut hasher);
    hasher.finish()
}

fn hash_entries(entries: &[KeyValue], hasher: &mut FxHasher) {
    hasher.write_usize(entries.len());
    for entry in entries {
        entry.key.hash(hasher);
        hash_any(entry.value.as_ref(), hasher);
    }
}

fn hash_any(any: Option<&AnyValue>, hasher: &mut FxHasher) {
    match any.and_then(|any| any.value.as_ref()) {
        None => hasher.write_u8(0),
        Some(Value::String(text)) => text.hash(hasher),
        Some(Value::Bool(yes)) => yes.hash(hasher),
        Some(Value::Int(number)) => number.hash(hasher),
        Some(Value::Double(number)) => number.to_bits().hash(hasher),
        Some(Value::Bytes(bytes)) => bytes.hash(hasher),
        Some(Value::Array(array)) => {
            hasher.write_usize(array.values.len());
            array.values.iter().for_each(|value| hash_any(Some(value), hasher));
        }
        Some(Value::Map(map)) => hash_entries(&map.values, hasher),
    }
}
