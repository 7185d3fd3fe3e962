//! Nothing is lost: kills, full disks, missing permissions, two processes, clocks that jump.

use std::os::unix::fs::MetadataExt as _;

use super::*;

/// A limit on file sizes, set once everything is loaded, stands for a disk that fills up while a checkpoint is written.
#[test]
fn a_full_disk_stops_the_run_and_leaves_the_last_checkpoint() {
    let (_dir, whole, full) = finished();
    fs::remove_dir_all(full.join("checkpoints/step-000004")).unwrap();
    let resume = format!("trap '' XFSZ; exec \"$0\" --resume {}", full.display());
    let mut command = Command::new("bash");
    command.args(["-c", &resume, env!("CARGO_BIN_EXE_azr-host")]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("policy")));
    let limit = ["--fsize=1000000", "--pid", &child.id().to_string()];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
    let message = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{message}");
    assert!(message.contains("cannot write the checkpoint of step 4") && message.contains("intact"), "{message}");
    succeed(&["--resume", full.to_str().unwrap()]);
    assert_same(&whole, &full);
}

/// Kills at what the run says: from the loading of the policy to the last measurement. The campaign of kills at random
/// times is `make soak`.
#[test]
fn a_run_killed_again_and_again_ends_as_if_nothing_had_happened() {
    let (dir, whole, _) = finished();
    let killed = dir.path().join("killed");
    let out = format!("--out={}", killed.display());
    let start = [&["--env", "envs/python.wasm", "--steps=4", &out], SMALL].concat();
    let resume = ["--resume", killed.to_str().unwrap()];
    for sign in ["policy", "held-out", "step    1", "step    2", "step    3", "step    4"] {
        let args = if killed.join("experiment.json").exists() { &resume[..] } else { &start };
        let mut child = azr_host().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let found = lines.any(|line| line.starts_with(sign));
        child.kill().unwrap();
        assert!(found && child.wait().unwrap().code().is_none(), "not killed at {sign:?}");
    }
    succeed(&resume);
    assert_same(&whole, &killed);
}

/// Root may write anywhere, so the capabilities that say so are given up.
#[test]
fn missing_permission_stops_the_run_and_leaves_the_last_checkpoint() {
    let (_dir, whole, shut) = finished();
    let checkpoints = shut.join("checkpoints");
    fs::remove_dir_all(checkpoints.join("step-000004")).unwrap();
    let mode = |mode: &str| assert!(Command::new("chmod").arg(mode).arg(&checkpoints).status().unwrap().success());
    mode("a-w");
    let plain = ["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_azr-host"), "--resume"];
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let (mut command, args) = if root { (Command::new("setpriv"), &plain[..]) } else { (azr_host(), &plain[3..]) };
    let output = command.args(args).arg(&shut).output().unwrap();
    mode("u+w");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write the checkpoint of step 4") && message.contains("denied"), "{message}");
    succeed(&["--resume", shut.to_str().unwrap()]);
    assert_same(&whole, &shut);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_run_ends_the_same() {
    let (_dir, whole, torn) = finished();
    let weights = torn.join("checkpoints/step-000004/policy/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0);
    fs::write(&weights, bytes).unwrap();
    let output = succeed(&["--resume", torn.to_str().unwrap()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("step-000004 is damaged and passed over: policy/model.safetensors"), "{message}");
    assert_same(&whole, &torn);
}

#[test]
fn a_directory_in_use_and_a_directory_with_an_experiment_are_refused() {
    let (_dir, _, dir) = finished();
    let lock = fs::File::open(dir.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let resumed = run(&["--resume", dir.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("another process is using"));
    drop(lock);
    let again = run(&[&["--env", "envs/python.wasm", &format!("--out={}", dir.display())], SMALL].concat());
    assert!(String::from_utf8_lossy(&again.stderr).contains("--resume"));
}

/// Every look at the wall clock shows another decade.
#[test]
fn a_clock_that_jumps_changes_nothing() {
    let (dir, whole, _) = finished();
    let jumpy = dir.path().join("jumpy");
    let shim = shim(dir.path(), "clock");
    let out = format!("--out={}", jumpy.display());
    let args = [&["--env", "envs/python.wasm", "--steps=4", &out], SMALL].concat();
    let output = azr_host().args(args).env("LD_PRELOAD", &shim).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let started: Value = serde_json::from_slice(&fs::read(jumpy.join("experiment.json")).unwrap()).unwrap();
    assert!(started["started_unix_s"].as_u64().unwrap() < 1_000_000_000, "the shim was not used");
    assert_same(&whole, &jumpy);
}

/// Verdicts depend on the limits, so a run goes on under those it began with.
#[test]
fn other_grants_are_refused_on_resume() {
    let (dir, _, copy) = finished();
    let grants = dir.path().join("grants.toml");
    fs::write(&grants, "[python]\nrun-fuel-max = 1_000_000").unwrap();
    let output = run(&["--resume", copy.to_str().unwrap(), "--grants", grants.to_str().unwrap()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("environment python has other limits") && message.contains("--grants"), "{message}");
}
