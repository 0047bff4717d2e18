//! `matmul --report`: the page in a browser, without a network. Needs Chromium: `scripts/setup` installs it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any start of a browser takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A new folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn tessera(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

/// A browser that prints the document of the page when its scripts have run.
fn start_browser(page: &Path, profile: &Path, out: &Path) -> Child {
    let options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                   --disable-component-update --disable-sync --dump-dom";
    for program in ["chromium", "chromium-browser", "google-chrome"] {
        let mut command = Command::new(program);
        command.args(options.split_whitespace()).arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("file://{}", page.display()));
        command.stdout(File::create(out).unwrap()).stderr(File::create(out.with_extension("log")).unwrap());
        match command.spawn() {
            Ok(child) => return child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{program}: {error}"),
        }
    }
    panic!("no Chromium; as root, scripts/setup installs it (Debian package chromium)");
}

/// The document of a page after its scripts have run.
fn rendered(page: &Path) -> String {
    let out = page.with_extension("dom");
    let mut browser = start_browser(page, &page.with_extension("profile"), &out);
    let begin = Instant::now();
    loop {
        match browser.try_wait().unwrap() {
            Some(status) => {
                let log = fs::read_to_string(out.with_extension("log")).unwrap();
                assert!(status.success(), "the browser failed: {log}");
                return fs::read_to_string(out).unwrap();
            }
            None if begin.elapsed() > PATIENCE => {
                browser.kill().unwrap();
                panic!("the browser did not end within {PATIENCE:?}");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The value of an attribute of the body.
fn body_attribute<'d>(document: &'d str, name: &str) -> Option<&'d str> {
    let body = document.split_once("<body")?.1.split_once('>')?.0;
    body.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

/// What a person does: point at the AMP, zoom in, point again, and press keys and buttons.
const HANDS: &str = r#"<script>{
  const canvas = document.querySelector("canvas"), tip = document.querySelector("output");
  const { left, top } = canvas.getBoundingClientRect();
  const at = more => ({ clientX: left + 400, clientY: top + 40, bubbles: true, cancelable: true, ...more });
  canvas.dispatchEvent(new PointerEvent("pointermove", at()));
  document.body.dataset.before = tip.textContent;
  canvas.dispatchEvent(new WheelEvent("wheel", at({ deltaY: -2000 })));
  document.body.dataset.zoomed = tip.textContent;
  for (const key of ["+", "-", "ArrowLeft", "ArrowRight", "0"]) {
    canvas.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
  }
  for (const button of document.querySelectorAll("button")) button.click();
  canvas.dispatchEvent(new PointerEvent("pointermove", at({ buttons: 1, movementX: 5 })));
  canvas.dispatchEvent(new MouseEvent("dblclick"));
  canvas.dispatchEvent(new PointerEvent("pointermove", at()));
  document.body.dataset.after = tip.textContent;
}</script></body>"#;

#[test]
fn a_report_renders_in_a_browser() {
    let folder = folder("report");
    let arguments = "matmul --m 70 --n 40 --k 50 --seed 3 --json --trace run.vcd --report run.html";
    let output = tessera(&folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let waveform = fs::read_to_string(folder.join("run.vcd")).unwrap();
    assert!(waveform.contains("host_request_valid"), "the waveform shows all, beside a report too");

    let page = fs::read_to_string(folder.join("run.html")).unwrap();
    for loads in ["src=", "href=", "url(", "import"] {
        assert!(!page.contains(loads), "the page loads something: {loads}");
    }
    let handled = folder.join("handled.html");
    fs::write(&handled, page.replace("</body>", HANDS)).unwrap();
    let document = rendered(&handled);

    let attribute = |name: &str| body_attribute(&document, name);
    assert_eq!(attribute("data-error"), None);
    let marks: usize = attribute("data-marks").expect("the timeline was drawn").parse().unwrap();
    assert!(marks > 500, "{marks} marks");
    let [before, zoomed, after] = ["data-before", "data-zoomed", "data-after"].map(|name| attribute(name).unwrap());
    assert!(before.starts_with("AMP, cycles ") && before.contains("compute: "), "{before}");
    assert!(zoomed.starts_with("AMP, cycle"), "{zoomed}");
    assert_eq!(before, after, "all is shown again");

    for id in ["timeline", "roofline", "stalls", "units", "conflicts", "flags", "run"] {
        assert!(document.contains(&format!("<section id=\"{id}\"><h2>")), "{id}");
    }
    let utilisation = 100.0 * summary["utilisation"].as_f64().unwrap();
    assert!(document.contains(&format!("<dd id=\"utilisation\">{utilisation:.2} %</dd>")), "{utilisation}");
    assert!(document.contains(&format!("<code id=\"command\">tessera {arguments}</code>")));
    assert!(document.contains("<svg ") && document.contains("this run: "));
    assert!(document.contains("seed 3") && document.contains("native, of Tessera "));
    assert!(document.contains("2,800 results and the flags compared: all bit-exact"));
    for label in ["AMP", "bank 0: "] {
        assert!(document.contains(&format!("\"label\":\"{label}")), "{label}");
    }
}

#[test]
fn reports_that_cannot_be_written_are_refused() {
    let folder = folder("report_refused");
    let refused = |arguments: &str| {
        let output = tessera(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        String::from_utf8(output.stderr).unwrap()
    };
    let name = refused("matmul --report run.txt");
    assert_eq!(name, "tessera: --report run.txt: expected a name that ends in .html\n");
    let place = refused("matmul --report no/run.html");
    assert_eq!(place, "tessera: no/run.html: cannot write: No such file or directory (os error 2)\n");
    assert!(
        refused("matmul --report run.html --trace-from 1000000 --trace run.vcd").starts_with("tessera: --trace-from")
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
}
