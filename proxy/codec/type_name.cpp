#include <partage/codec/type_name.hpp>

#include <cctype>
#include <utility>

namespace partage::codec {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// gcc: "... [with T = ns::Foo; std::string_view = ...]"; clang: "... [T = ns::Foo]".
std::string_view argument_of(std::string_view pretty) {
  constexpr std::string_view opening = "T = ";
  const std::size_t from = pretty.find(opening);
  if (from == std::string_view::npos) return pretty;
  pretty.remove_prefix(from + opening.size());
  std::size_t to = pretty.rfind("; std::string_view = ");
  if (to == std::string_view::npos) to = pretty.rfind(']');
  return pretty.substr(0, to);
}

// gcc names a local type with its function, `Shop::sell(int) const::Item`; clang without. Cut from the start of the
// function's name to the "::" after its parentheses.
void drop_functions(std::string& text) {
  for (;;) {
    std::size_t close = text.find(")::");
    std::size_t next = close == std::string::npos ? close : close + 3;
    if (const std::size_t c = text.find(") const::"); c < close) close = c, next = c + 9;
    if (close == std::string::npos) return;
    std::size_t at = close;
    int depth = 0;
    for (;; --at) {  // back over (...), over <...> and over the name, to whatever stands before it
      const char c = text[at];
      if (c == ')' || c == '>') ++depth;
      const bool opens = c == '(' || c == '<';
      if (opens && depth == 0) break;
      if (opens) --depth;
      if (depth == 0 && (c == ',' || c == ' ')) break;
      if (at == 0) {
        text.erase(0, next);
        break;
      }
    }
    if (at == 0) continue;
    text.erase(at + 1, next - at - 1);
  }
}

void drop_lambdas(std::string& text) {
  for (std::size_t at; (at = text.find("<lambda(")) != std::string::npos;) {
    const std::size_t to = text.find(")>::", at);
    if (to == std::string::npos) return;
    text.erase(at, to + 4 - at);
  }
}

}  // namespace

std::string detail::clean_type_name(std::string_view pretty) {
  std::string text(argument_of(pretty));
  static constexpr std::pair<std::string_view, std::string_view> same[] = {
      {"{anonymous}::", ""},
      {"(anonymous namespace)::", ""},
      {"std::__cxx11::", "std::"},
      {"std::__1::", "std::"},
      {"long long unsigned int", "unsigned long long"},
      {"long unsigned int", "unsigned long"},
      {"short unsigned int", "unsigned short"},
      {"long long int", "long long"},
      {"long int", "long"},
      {"short int", "short"},
      {"> >", ">>"},
      {"> >", ">>"},
  };
  for (const auto& [from, to] : same) replace_all(text, from, to);
  drop_lambdas(text);
  drop_functions(text);
  return text;
}

std::string template_name(std::string_view name) {
  if (!name.ends_with('>')) return std::string(name);
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    if (name[i] == '>') ++depth;
    if (name[i] == '<' && --depth == 0) return std::string(name.substr(0, i));
  }
  return std::string(name);
}

std::string unqualified(std::string_view name) {
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == ':' && depth == 0) from = i + 1;
  }
  return std::string(name.substr(from));
}

}  // namespace partage::codec
