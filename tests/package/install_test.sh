#!/usr/bin/env bash
# Installs a build into an empty folder, moves it, and builds a foreign program (CMake and pkg-config)
# and every sample against the moved copy.
# usage: install_test.sh SOURCE_FOLDER BUILD_FOLDER LIBDIR
set -euo pipefail
source_folder=$1 build_folder=$2 libdir=$3
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'install test: %s\n' "$*"
  exit 1
}

# A DESTDIR would be a simpler move, but only a move after the fact shows a path that was compiled in.
cmake --install "$build_folder" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
prefix=$work/prefix

# Nothing that is installed may know where it was built.
if found=$(grep -rlF -e "$source_folder/" "$prefix"); then
  fail "these installed files name the source folder: $found"
fi

for component in framework requestor testkit ese_writer; do
  [[ -e $prefix/$libdir/cmake/stillframe/stillframe-$component.cmake ]] || continue
  components+=("$component")
done
((${#components[@]} > 0)) || fail "no component was installed"
printf 'components: %s\n' "${components[*]}"

for helper in "$build_folder"/bin/stillframe-{guard,provider-host}; do
  [[ ! -e $helper || -x $prefix/libexec/stillframe/$(basename "$helper") ]] ||
    fail "the helper $(basename "$helper") is not installed"
done

# Where the command line's component is there, so are its manual and its completions.
if [[ -e $prefix/bin/stillframe ]]; then
  for file in man/man1/stillframe.1 bash-completion/completions/stillframe \
    zsh/site-functions/_stillframe fish/vendor_completions.d/stillframe.fish; do
    [[ -s $prefix/share/$file ]] || fail "share/$file is not installed"
  done
fi

# esectl is a package of its own: it needs nothing of the framework's at run time.
if [[ -e $build_folder/bin/esectl ]]; then
  cmake --install "$build_folder" --component ese --prefix "$work/ese" >/dev/null
  for file in man/man1/esectl.1 man/man1/esectl-verify.1 bash-completion/completions/esectl \
    zsh/site-functions/_esectl fish/vendor_completions.d/esectl.fish; do
    [[ -s $work/ese/share/$file ]] || fail "share/$file is not installed with the component ese"
  done
  "$work/ese/bin/esectl" verify --help >/dev/null || fail "esectl does not run alone"
  [[ -x $prefix/bin/esectl ]] || fail "esectl is not installed with everything else"
fi
# So is dedupctl.
if [[ -e $build_folder/bin/dedupctl ]]; then
  cmake --install "$build_folder" --component dedup --prefix "$work/dedup" >/dev/null
  for file in man/man8/dedupctl.8 man/man8/dedupctl-optimize.8 bash-completion/completions/dedupctl \
    zsh/site-functions/_dedupctl fish/vendor_completions.d/dedupctl.fish; do
    [[ -s $work/dedup/share/$file ]] || fail "share/$file is not installed with the component dedup"
  done
  "$work/dedup/sbin/dedupctl" optimize --help >/dev/null || fail "dedupctl does not run alone"
fi
requestor_symbols=$(nm -DC "$prefix/$libdir/libstillframe-requestor.so")
if [[ $requestor_symbols == *stillframe::cli::* ]]; then
  fail "the command line is in libstillframe-requestor, which is for other programs"
fi

mkdir "$work/consumer"
cp "$here/consumer.cpp" "$work/consumer/"
{
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(consumer LANGUAGES C CXX)\n'
  printf 'find_package(stillframe 0.1 REQUIRED COMPONENTS %s)\n' "${components[*]}"
  for component in "${components[@]}"; do
    printf 'add_executable(with_%s consumer.cpp)\n' "$component"
    printf 'target_link_libraries(with_%s PRIVATE stillframe::%s)\n' "$component" "$component"
  done
} >"$work/consumer/CMakeLists.txt"
cmake -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$work/consumer/build"
for component in "${components[@]}"; do
  "$work/consumer/build/with_$component" >/dev/null || fail "with_$component does not run"
done

# The engine's library stands alone, shows its two interfaces only, and is used from C.
if [[ -e $prefix/$libdir/libstillframe-ese.so ]]; then
  shown=$(nm -DC --defined-only "$prefix/$libdir/libstillframe-ese.so" | awk '$2 != "A" {print $3}')
  if grep -Ev '^(Jet|Ds)' <<<"$shown"; then fail "libstillframe-ese shows names of neither JET nor ntdsbcli"; fi
  mkdir "$work/jet"
  cp "$here/jet_consumer.c" "$work/jet/"
  {
    printf 'cmake_minimum_required(VERSION 3.25)\nproject(consumer LANGUAGES C)\n'
    printf 'find_package(stillframe 0.1 REQUIRED COMPONENTS ese)\n'
    printf 'add_executable(jet_consumer jet_consumer.c)\n'
    printf 'target_link_libraries(jet_consumer PRIVATE stillframe::ese)\n'
  } >"$work/jet/CMakeLists.txt"
  cmake -S "$work/jet" -B "$work/jet/build" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$work/jet/build"
  "$work/jet/build/jet_consumer" "$work/jet" || fail "a program in C does not run with jet.h"
fi
for plugin in "$prefix/$libdir"/stillframe/stillframe-writer-*.so; do
  [[ -e $plugin ]] || continue
  shown=$(nm -DC --defined-only "$plugin" | awk '$2 != "A" {print $3}')
  if grep -vx 'stillframe_\(plugin\|verifier\)_entry' <<<"$shown"; then
    fail "$(basename "$plugin") shows more than its entries"
  fi
  grep -qx stillframe_plugin_entry <<<"$shown" || fail "$(basename "$plugin") does not show its entry"
done

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
for package in "$PKG_CONFIG_PATH"/*.pc; do
  package=$(basename "$package" .pc)
  read -ra flags <<<"$(pkg-config --cflags --libs "$package")"
  compiler=(g++ -std=c++20 "$here/consumer.cpp") words=()
  if [[ $package == *-ese ]]; then
    rm -rf "$work/jet_by_pkgconfig"
    mkdir "$work/jet_by_pkgconfig"
    compiler=(gcc -std=c11 "$here/jet_consumer.c") words=("$work/jet_by_pkgconfig")
  fi
  "${compiler[@]}" -Wall -Wextra -Wpedantic -Werror "${flags[@]}" -o "$work/by_pkgconfig"
  LD_LIBRARY_PATH=$prefix/$libdir "$work/by_pkgconfig" "${words[@]}" >/dev/null \
    || fail "with $package.pc: does not run"
done

# The installed headers alone, as C where they are C.
while IFS= read -r header; do
  compiler=(g++ -std=c++20 -x c++)
  [[ $header == *.h ]] && compiler=(gcc -std=c11 -x c)
  printf '#include <%s>\n' "${header#"$prefix/include/"}" |
    "${compiler[@]}" -fsyntax-only -I"$prefix/include" - || fail "$header does not compile"
done < <(find "$prefix/include" -name '*.h')

cmake -S "$source_folder/samples" -B "$work/samples" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$work/samples" -j 2
printf 'the samples build against the installed package\n'
