//! Work that blocks, kept off the reactor.

use crate::error::ApiError;

/// Runs `work` on the pool of threads made for blocking. It runs to its end even if the client leaves.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(ApiError::internal("a request panicked")),
    }
}
