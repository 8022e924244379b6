//! Image references and container ids as the receivers take them apart.

/// An image's name and tag; both empty where the reference is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// With registry and path, without tag and digest.
    pub(crate) name: &'a str,
    /// `latest` where the reference has none, even if it has a digest.
    pub(crate) tag: &'a str,
}

/// Takes `registry:5000/path/name:tag@sha256:…` apart. `None` where there is no name.
pub(crate) fn parse(reference: &str) -> Option<Image<'_>> {
    let (named, _digest) = reference.split_once('@').unwrap_or((reference, ""));
    // A colon before the last slash belongs to the registry's port.
    let (name, tag) = match named.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (named, "latest"),
    };
    (!name.is_empty() && !tag.is_empty()).then_some(Image { name, tag })
}

/// A container id without `containerd://` or whatever runtime it names.
pub(crate) fn without_runtime(container_id: &str) -> &str {
    match container_id.split_once("://") {
        Some((runtime, id))
            if runtime.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') =>
        {
            id
        }
        _ => container_id,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn image_references_are_taken_apart() {
        for (reference, expected) in [
            ("busybox", Some(("busybox", "latest"))),
            ("busybox:1.36", Some(("busybox", "1.36"))),
            ("registry.example/web:1.2.3", Some(("registry.example/web", "1.2.3"))),
            ("localhost:5000/web", Some(("localhost:5000/web", "latest"))),
            ("localhost:5000/web:1", Some(("localhost:5000/web", "1"))),
            ("registry.example/sidecar@sha256:00ff", Some(("registry.example/sidecar", "latest"))),
            ("registry.example/sidecar:2@sha256:00ff", Some(("registry.example/sidecar", "2"))),
            ("", None),
            ("@sha256:00", None),
            (":1", None),
            ("web:", None),
        ] {
            let found = parse(reference).map(|image| (image.name, image.tag));
            assert_eq!(found, expected, "{reference}");
        }
    }

    proptest! {
        #[test]
        fn a_name_and_a_tag_come_back_whatever_stands_around_them(
            port in "(:[0-9]{1,5})?", path in "[a-z0-9/._-]{0,20}[a-z0-9]", tag in "[A-Za-z0-9_.-]{1,20}",
            digest in "(@sha256:[0-9a-f]{64})?",
        ) {
            let name = format!("host{port}/{path}");
            let reference = format!("{name}:{tag}{digest}");
            let expected = Image { name: &name, tag: &tag };
            prop_assert_eq!(parse(&reference), Some(expected));
        }

        #[test]
        fn any_text_is_taken_apart_or_refused(reference in ".*") {
            if let Some(image) = parse(&reference) {
                prop_assert!(!image.name.is_empty() && !image.tag.is_empty());
            }
        }
    }

    #[test]
    fn container_ids_lose_their_runtime() {
        for (id, expected) in [
            ("containerd://abc", "abc"),
            ("cri-o://abc", "abc"),
            ("abc", "abc"),
            ("", ""),
            ("odd thing://abc", "odd thing://abc"),
        ] {
            assert_eq!(without_runtime(id), expected, "{id}");
        }
    }
}
