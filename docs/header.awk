# Doxygen's filter: the `//` comment at the top of a header becomes the description of the file, and of the classes that its
# first words name ("Lock and RLock: ...", "DictProxy<K, V>: a handle ..."). Everything else is passed on as it is.
function escaped(text) {
  gsub(/[\\@<>#&%]/, "\\\\&", text)
  gsub(/\*/, "\\*", text)
  gsub(/_/, "\\_", text)
  return text
}

# Code, which is indented, becomes a block of code; a blank line or text ends it.
function described(command,    i, line, code) {
  print "/** " command
  for (i = 1; i <= lines; ++i) {
    line = comment[i]
    if (line ~ /^  / && line !~ /^ *$/) {
      if (!code) print "\n@code{.unparsed}"
      code = 1
      print line
    } else {
      if (code) print "@endcode\n"
      code = 0
      if (line ~ /^(Use it|Differences|Death|Errors|Thread|Complexity|Performance)/) print ""
      print escaped(line)
    }
  }
  if (code) print "@endcode"
  print "*/"
}

function classes(first,    names, n, i) {
  if (first !~ /^[A-Z][A-Za-z]*(<[A-Za-z, ]*>)?((, | and )[A-Z][A-Za-z]*(<[A-Za-z, ]*>)?)*: /) return
  sub(/: .*/, "", first)
  gsub(/<[^>]*>/, "", first)
  gsub(/ and /, ", ", first)
  n = split(first, names, ", ")
  for (i = 1; i <= n; ++i) wanted[names[i]] = 1
}

!begun && /^\/\// { comment[++lines] = substr($0, 4); next }
!begun {
  begun = 1
  described("\\file")
  classes(comment[1])
}
# The description of a class stands where it is defined.
/^(class|struct) (PARTAGE_API )?[A-Z]/ && !/;$/ {
  name = $0
  sub(/^(class|struct) (PARTAGE_API )?/, "", name)
  sub(/[^A-Za-z].*/, "", name)
  if (name in wanted) held_class = name
}
{ text[++n] = $0; class_at[n] = held_class; held_class = "" }
END {
  for (i = 1; i <= n; ++i) {
    if (text[i] ~ /^template </ && class_at[i + 1] != "") { described(""); print text[i]; ++i; print text[i]; continue }
    if (class_at[i] != "") described("")
    print text[i]
  }
}
