# Where the tools come from: sourced by `run`.
#
# Nothing is installed: packages are downloaded as the system's apt would, and the one program of each, with
# the libraries that it lacks here, is unpacked below target/tools. Two of them would bring a service along.

# shellcheck shell=bash
bin=$target/tools/bin
lib=$target/tools/lib
reason=

# Has the program in $bin; if that cannot be, says so in $reason and fails.
fetch() {
  local program=$1 package installed
  case $program in
    promtool) package=prometheus ;;
    varnishtest) package=varnish ;;
    *) package=$program ;;
  esac
  mkdir -p "$bin" "$lib"
  # One that is installed is taken as it is.
  if [ ! -x "$bin/$program" ] && installed=$(type -P "$program"); then
    ln -sf "$installed" "$bin/$program"
  fi
  if [ ! -x "$bin/$program" ]; then
    unpack "$program" "$package" || return 1
  fi
  local missing
  missing=$(LD_LIBRARY_PATH=$lib ldd "$bin/$program" 2>/dev/null | grep 'not found' || true)
  if [ -n "$missing" ]; then
    reason="$program does not find ${missing//[$'\n\t']/ }"
    return 1
  fi
}

# The program, and the libraries that its package needs and that are not installed.
unpack() {
  local program=$1 package=$2 folder=$scratch/packages dependency
  for tool in apt-get apt-cache dpkg dpkg-query; do
    if ! command -v "$tool" >/dev/null; then
      reason="no $program on the PATH, and no $tool to get it with"
      return 1
    fi
  done
  mkdir -p "$folder"
  download "$package" || return 1
  while read -r dependency; do
    is_installed "$dependency" || download "$dependency" || return 1
  done < <(apt-cache depends --important "$package" | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$/\1/p' | grep -v '^libjs-')
  local file
  for file in "$folder"/*.deb; do
    dpkg --fsys-tarfile "$file" |
      tar -x -C "$folder" --wildcards --wildcards-match-slash './usr/bin/*' './usr/lib/*.so*' 2>/dev/null || true
  done
  find "$folder/usr/lib" -path '*/vmods/*' -prune -o -name 'lib*.so*' -exec cp -P {} "$lib" \; 2>/dev/null || true
  # Last, and in one step: what is there is whole.
  if ! mv "$folder/usr/bin/$program" "$bin/$program"; then
    reason="the package $package has no $program"
    return 1
  fi
  rm -rf "$folder"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A package's file; where the lists of packages are old or empty, they are read again once, which takes root.
download() {
  local said
  for attempt in first second; do
    if said=$(cd "$scratch/packages" && apt-get download -q "$1" 2>&1); then
      return 0
    fi
    if [ "$attempt" = first ] && ! { [ "$(id -u)" = 0 ] && apt-get update -q >/dev/null 2>&1; }; then
      break
    fi
  done
  reason="apt-get download $1: $(tail -n 1 <<<"$said")"
  return 1
}
