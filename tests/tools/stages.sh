# shellcheck shell=bash
# The stages of `./dev test`: each is timed, each failure is recorded and none hides the next.

jobs=${JOBS:-$(nproc)}
run_folder=build/run  # this run's list of stages and of what ran outside CTest

say() { printf '%s\n' "$*"; }

configure() {  # PRESET
  local generator=()
  command -v ninja >/dev/null || generator=(-G "Unix Makefiles")
  cmake --preset "$1" "${generator[@]}"
}

# How many commits lead here; 0 where nobody knows.
commit_number() {
  git rev-list --count HEAD 2>/dev/null || echo 0
}

begin_run() {
  rm -rf "$run_folder"
  mkdir -p "$run_folder"
  : >"$run_folder/results.tsv"
  configurations_run=()
  # Short, because Unix socket paths are at most 107 bytes.
  run_tmp=$(mktemp -d /tmp/stillframe-run.XXXX)
  chmod 0711 "$run_tmp"  # tests of other users pass through it
  export TMPDIR=$run_tmp
  # The twentieth of the transition table's mutants that is tried: the next one with every commit,
  # the same one when a commit is tested again.
  export STILLFRAME_MUTANT_OFFSET=${STILLFRAME_MUTANT_OFFSET:-$(commit_number)}
  trap clean_up EXIT
}

# The mounts below this run's temporary folder, innermost first: nobody else's.
mounts_of_this_run() {
  awk -v below="$run_tmp/" 'index($5, below) == 1 {print $5}' /proc/self/mountinfo | tac
}

# Thaws and unmounts what tests of this run left behind (one that was killed could not), and says so.
clean_up() {
  local mount left=0
  while IFS= read -r mount; do
    mount=$(printf '%b' "$mount")
    say "left behind and cleaned up: the mount $mount"
    fsfreeze --unfreeze "$mount" 2>/dev/null || true
    umount "$mount" 2>/dev/null || umount --lazy "$mount" || true
    left=1
  done < <(mounts_of_this_run)
  [[ -n $(mounts_of_this_run) ]] || rm -rf "$run_tmp"
  return "$left"
}

# Runs a command as a named stage; says what it took.
stage() {  # NAME COMMAND...
  local name=$1 begin=$SECONDS status=0
  shift
  say "== $name"
  "$@" || status=$?
  printf '%s\t%s\n' "$((SECONDS - begin))" "$name" >>"$run_folder/stages.tsv"
  return "$status"
}

record() {  # passed|failed|skipped CONFIGURATION NAME REASON
  printf '%s\t%s\t%s\t%s\n' "$@" >>"$run_folder/results.tsv"
}

# Builds everything that can be built; what cannot is shown and counts as a failure.
build_stage() {  # PRESET [TARGET...]
  local preset=$1
  stage "$preset build" build_quietly "$@" && return 0
  record failed "$preset" build "the build failed; see the output of the stage '$preset build'"
  return 1
}

build_quietly() {  # PRESET [TARGET...]
  local preset=$1 flags=(-k -s)
  shift
  configure "$preset" >"$run_folder/configure-$preset.log" 2>&1 || {
    cat "$run_folder/configure-$preset.log"
    return 1
  }
  [[ -e build/$preset/build.ninja ]] && flags=(-k 0 --quiet)
  cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"} -- "${flags[@]}"
}

test_configurations() {  # FILTER PRESET...
  local filter=$1 preset
  shift
  for preset in "$@"; do
    # A build that failed in one place still has tests elsewhere.
    build_stage "$preset" || true
    stage "$preset test" run_ctest "$preset" --label ci --filter "$filter" || true
    clean_up || record failed "$preset" "clean-up" "tests left mounts behind; they are named above"
    mkdir -p "$run_tmp"
  done
}

# Kernels that randomise more address bits than clang 14's thread sanitizer can map run it without
# randomisation.
run_prefix() {  # PRESET
  [[ $1 == tsan ]] && setarch -R true 2>/dev/null && printf '%s\n' setarch -R
}

run_ctest() {  # PRESET --label LABEL [--filter FILTER] [--alone]
  local preset=$1 label="" filter="" parallel=$jobs selection=() prefix=() build=build/$1
  shift
  while (($# > 0)); do
    case $1 in
      --label) label=$2; shift ;;
      --filter) filter=$2; shift ;;
      --alone) parallel=1 ;;
    esac
    shift
  done
  configurations_run+=("$preset")
  rm -rf "$build/results"
  mkdir -p "$build/results"
  if [[ -n $filter ]]; then
    mapfile -t selection < <(python3 tests/tools/select_tests.py "$build" "$label" "$filter")
    if ((${#selection[@]} == 0)); then
      say "no test in $preset has '$filter' in its name"
      return 0
    fi
  else
    selection=(env ctest)
  fi
  mapfile -t prefix < <(run_prefix "$preset")
  local scale=${STILLFRAME_TEST_SCALE:-1} watch=()
  case $preset in asan-ubsan | tsan | clang | coverage) scale=0.05 ;; esac
  [[ $label == ci ]] || watch=(--verbose)
  STILLFRAME_TEST_SCALE=$scale "${prefix[@]}" "${selection[@]}" --test-dir "$build" \
    -L "^$label\$" -j "$parallel" --output-on-failure "${watch[@]}" --no-tests=error \
    --output-junit results/junit.xml --test-output-size-passed 65536 \
    --test-output-size-failed 1048576 >"$run_folder/ctest-$preset.log" 2>&1 || {
    sed -n '/Failed\|Timeout\|Not Run\|\*\*\*/,$p' "$run_folder/ctest-$preset.log"
    return 1
  }
  tail -n 4 "$run_folder/ctest-$preset.log"
}

fuzz_stages() {  # SECONDS TARGET
  build_stage fuzz fuzzers || return 0  # recorded, and without programs there is nothing to run
  stage "fuzz run" run_fuzzers "$@" || true
}

run_fuzzers() {  # SECONDS TARGET
  local seconds=$1 only=$2 names=() program
  for program in build/fuzz/bin/*_fuzz; do
    program=$(basename "$program" _fuzz)
    [[ -e tests/fuzz/${program}_fuzz.cpp && (-z $only || $program == "$only") ]] && names+=("$program")
  done
  if ((${#names[@]} == 0)); then
    say "there is no fuzz target ${only:-at all yet}"
    [[ -z $only ]]
    return
  fi
  export -f fuzz_one record
  export run_folder
  printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz_one "$@"' _ {} "$seconds"
}

fuzz_one() {  # NAME SECONDS
  local name=$1 seconds=$2 log=$run_folder/fuzz-$1.log
  local learned=build/fuzz/corpus/$name artifacts=build/fuzz/artifacts/
  mkdir -p "$learned" "$artifacts"
  if "build/fuzz/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$artifacts$name-" -print_final_stats=1 "$learned" "tests/fuzz/corpus/$name" \
    >"$log" 2>&1; then
    record passed fuzz "fuzz_$name" ""
    printf '%-24s %s inputs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    record failed fuzz "fuzz_$name" "see $log; the input is build/fuzz/artifacts/$name-*"
    tail -n 40 "$log"
  fi
}

# Adds everything up. The last line it prints is the verdict.
finish_run() {  # FILTER
  say "== time of each stage, seconds"
  sort -rn "$run_folder/stages.tsv" 2>/dev/null | awk -F'\t' '{printf "%6d  %s\n", $1, $2; sum += $1}
    END {printf "%6d  in all\n", sum}'
  python3 tests/tools/summary.py ${1:+--filtered} --extra "$run_folder/results.tsv" \
    "${configurations_run[@]}"
}
