use std::sync::Arc;
use std::time::Instant;
use http_body_util::BodyExt;
use mik_boa::{Boa, JavaScriptConfig};
use mik_core::*;
struct No;
impl Engine for No {
    fn name(&self) -> &str { "no" }
    fn capabilities(&self) -> Capabilities { Capabilities::default() }
    fn load(&self, _: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> { Err(LoadError::new("no")) }
}
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn cost() {
    let files = tempfile::tempdir().unwrap();
    let scripts = [("plain.js", "export default () => 1"), ("web.js", "export default { fetch: () => new Response('a') }"), ("spin.js", "export default () => { let a = 0; for (let i = 0; i < 2e7; i++) a += i; return a }"), ("fib.js", "export default () => { const f = n => n < 2 ? n : f(n - 1) + f(n - 2); return f(25) }")];
    for (name, text) in scripts { std::fs::write(files.path().join(name), text).unwrap(); }
    let config = JavaScriptConfig { trusted_scripts: true, ..JavaScriptConfig::default() };
    let host = Host::builder().engine(No).modules_dir(files.path()).orchestrator(Boa::orchestrator(&config).unwrap()).scripts_dir(files.path()).build().unwrap();
    for (name, n) in [("plain", 300), ("web", 300), ("spin", 3), ("fib", 3)] {
        let mut all = Vec::new();
        for _ in 0..n {
            let began = Instant::now();
            let r = host.serve(http::Request::get(format!("/script/{name}")).body(Body::empty()).unwrap(), None).await;
            assert_eq!(r.status(), 200);
            r.into_body().collect().await.unwrap();
            all.push(began.elapsed());
        }
        all.sort();
        println!("{name}: median {:?} best {:?} p95 {:?}", all[n / 2], all[0], all[n * 95 / 100]);
    }
}
