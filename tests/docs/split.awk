# Takes the C++ of a page apart:  awk -v page=docs/faq.md -v out=DIRECTORY -f split.awk PAGE
#
# A block with `int main(` is a program: out/program-LINE.cpp. All others are fragments and come together into
# out/fragments.cpp, each as a function in which `manager` is a partage::Manager; LINE is that of the block's fence.
# An HTML comment in the line above a block says what cannot be seen from it:
#   <!-- code: declarations -->         stands outside functions; blocks further down use what it declares
#   <!-- code: continues -->            goes on in the function of the fragment before
#   <!-- code: given DECLARATIONS -->   these stand before it: what its names mean
#   <!-- code: compiled only -->        is not run, because it does not end by itself or needs what is not there
#   <!-- code: refused REGEX -->        must not compile, and the first error matches REGEX (grep -E): out/refused-LINE.cpp
# A ```text block that follows, before another block or a heading, is what is printed.
# out/todo gets a line for each check: "program LINE", "fragment LINE", "refused LINE REGEX"; `run` or `compile` stands first.

function fail(message) { print page ":" FNR ": " message > "/dev/stderr"; failed = 1; exit 1 }

function place(line) { return "#line " line " \"" page "\"\n" }

# Ends the block that was read: `code`, from line `begin` on.
function take() {
  if (is_program) {
    print place(begin + 1) code > (out "/program-" begin ".cpp")
    print verb, "program", begin > (out "/todo")
    printed = begin
    return
  }
  if (note == "declarations") { declarations[++parts] = place(begin + 1) code; printed = 0; return }
  if (note ~ /^refused /) {
    refused[begin] = place(begin + 1) code
    regex[begin] = substr(note, 9)
    refused_after[begin] = parts
    printed = 0
    return
  }
  if (note == "continues") {
    if (!fragment) fail("nothing stands before it that it could continue")
    body[fragment] = body[fragment] place(begin + 1) code
    printed = fragment
    return
  }
  fragment = begin
  body[fragment] = given place(begin + 1) code
  declarations[++parts] = ""
  part_of[parts] = fragment
  how[fragment] = verb
  printed = fragment
}

/^<!-- code: .* -->$/ && !inside {
  if (note != "") fail("two comments about one block")
  note = $0
  sub(/^<!-- code: /, "", note); sub(/ -->$/, "", note)
  note_line = FNR
  next
}

/^ *```/ && !inside {
  inside = 1
  language = $0
  sub(/^ *```/, "", language)
  if (language == "cpp") {
    if (note != "" && note_line != FNR - 1) fail("the comment about the block has to stand in the line above it")
    begin = FNR
    verb = "run"
    code = given = ""
    is_program = 0
    if (note == "compiled only") verb = "compile"
    else if (note ~ /^given /) given = substr(note, 7) "\n"
    else if (note != "" && note != "declarations" && note != "continues" && note !~ /^refused ./)
      fail("a comment about a block that nobody understands: " note)
  } else {
    if (note != "") fail("a comment about a block that is no C++")
    if (language == "text" && printed) { text = ""; wanted = 1 } else wanted = 0
  }
  next
}

/^ *```$/ && inside {
  inside = 0
  if (language == "cpp") {
    if (is_program && note != "" && note != "compiled only") fail("a program cannot be: " note)
    take()
    if (verb == "compile") printed = 0
    note = ""
  } else {
    if (wanted) printf "%s", text > (out "/expected-" printed)
    printed = 0
  }
  next
}

inside && language == "cpp" {
  if ($0 ~ /^int main\(/) is_program = 1
  code = code $0 "\n"
  next
}
inside { text = text $0 "\n"; next }
/^#/ { printed = 0 }
note != "" && !/^$/ { fail("a comment that no block follows: " note) }

# What begins with #include goes to the top; a fragment's function gets the rest.
function emit(file, code,    lines, n, i) {
  n = split(code, lines, "\n")
  for (i = 1; i < n; ++i) print lines[i] ~ /^#include/ ? "" : lines[i] > file
}
function includes(file, code,    lines, n, i) {
  n = split(code, lines, "\n")
  for (i = 1; i < n; ++i) if (lines[i] ~ /^#include/) print lines[i] > file
}
function head(file, upto,    i) {
  print "#include \"prelude.hpp\"" > file
  for (i = 1; i <= upto; ++i) includes(file, part_of[i] ? body[part_of[i]] : declarations[i])
}

END {
  if (failed) exit 1
  if (inside) fail("a block that does not end")
  if (note != "") fail("a comment that no block follows: " note)
  for (line in refused) {
    file = out "/refused-" line ".cpp"
    head(file, refused_after[line])
    for (i = 1; i <= refused_after[line]; ++i) if (!part_of[i]) emit(file, declarations[i])
    print "void fragment_" line "([[maybe_unused]] partage::Manager& manager) {" > file
    emit(file, refused[line])
    print "}" > file
    print "refuse", "refused", line, regex[line] > (out "/todo")
  }
  if (!parts) exit 0
  file = out "/fragments.cpp"
  head(file, parts)
  for (i = 1; i <= parts; ++i) {
    if (!part_of[i]) { emit(file, declarations[i]); continue }
    print "static void fragment_" part_of[i] "([[maybe_unused]] partage::Manager& manager) {{" > file
    emit(file, body[part_of[i]])
    print "}}" > file
  }
  print "#line 1 \"fragments.cpp, after the page\"" > file
  print "int main(int argc, char** argv) {\n  partage::init(argc, argv);\n  partage::Manager manager;" > file
  print "  switch (argc > 1 ? std::atoi(argv[1]) : 0) {" > file
  for (i = 1; i <= parts; ++i) {
    if (!part_of[i]) continue
    print "    case " part_of[i] ": fragment_" part_of[i] "(manager); break;" > file
    print how[part_of[i]], "fragment", part_of[i] > (out "/todo")
  }
  print "    default: return 1;\n  }\n}" > file
}
