//! Sees the API server's answers: a watch on which nothing happens is silent, and only its beginning tells that it stands.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use kube::client::Body;
use tower::{Layer, Service};
use tracing::info;

use super::progress::{Kind, Progress};

/// Tells [`Progress`] what is answered.
#[derive(Clone)]
pub(crate) struct Observing(pub(crate) Arc<Progress>);

impl<S> Layer<S> for Observing {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, progress: Arc::clone(&self.0) }
    }
}

/// A client whose answers are seen.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    progress: Arc<Progress>,
}

impl<S, B> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let kind = request.uri().path().rsplit('/').next().and_then(Kind::named);
        let watches =
            request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
        let progress = Arc::clone(&self.progress);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(kind) = kind
                && answer.status().is_success()
                && let Some(trouble) = progress.answered(kind, watches)
            {
                info!(%kind, since = %trouble.since, "the API server answers again");
            }
            Ok(answer)
        })
    }
}
