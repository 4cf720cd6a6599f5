// From the text of a description to its tree: recursive descent, one function for each kind of word.
//
//   type   = word [ "<" arguments ">" ] | "struct " name [ "{" types "}" ] | "enum " name ":" type
//          | ( "user " | "boost " ) name [ ":" version ]
//   name   = a C++ type name: ends at a , > { } or single : outside of all brackets and character literals
#include <cctype>
#include <charconv>
#include <optional>
#include <partage/error.hpp>

#include "manager/schema/type.hpp"

namespace partage::schema {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::deque<Type>& types) : text_(text), types_(types) {}

  const Type* parse() {
    const Type* type = parse_type();
    if (at_ != text_.size()) fail("something follows its end");
    return type;
  }

 private:
  static constexpr std::size_t shown_at_most = 200;

  [[noreturn]] void fail(const char* what) const {
    std::string shown(text_.substr(0, shown_at_most));
    if (text_.size() > shown_at_most) shown += "...";
    throw Corrupt("partage: the description '" + shown + "' of an object cannot be read: " + what + ", at character " +
                  std::to_string(at_ + 1) + "; was the object made by a newer version of the library?");
  }

  // ---- characters ---------------------------------------------------------------------------------------------------

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c, const char* otherwise) {
    if (!accept(c)) fail(otherwise);
  }

  std::string_view word() {
    const std::size_t from = at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_') ++at_;
    if (at_ == from) fail("a type is missing");
    return text_.substr(from, at_ - from);
  }

  std::uint64_t number() {
    std::uint64_t n = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), n);
    if (error != std::errc() || end == begin) fail("a number is missing");
    at_ += static_cast<std::size_t>(end - begin);
    return n;
  }

  /// Skips 'x' or '\'' in the name of a type.
  void skip_literal() {
    for (++at_; at_ < text_.size() && text_[at_] != '\''; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    if (at_ < text_.size()) ++at_;
  }

  std::string_view name() {
    const std::size_t from = at_;
    unsigned depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'') {
        skip_literal();
        continue;
      }
      const bool scope = c == ':' && text_.substr(at_, 2) == "::";
      if (depth == 0 && (c == ',' || c == '>' || c == '{' || c == '}' || (c == ':' && !scope))) break;
      if (c == '<' || c == '(' || c == '[' || c == '{') ++depth;
      if (c == '>' || c == ')' || c == ']' || c == '}') {
        if (depth == 0) fail("a bracket is closed that was not opened");
        --depth;
      }
      at_ += scope ? 2 : 1;
    }
    if (at_ == from) fail("the name of a type is missing");
    if (at_ > text_.size() || depth != 0) fail("it ends too early");
    return text_.substr(from, at_ - from);
  }

  // ---- types --------------------------------------------------------------------------------------------------------

  Type& make(Form form) {
    types_.push_back({});
    types_.back().form = form;
    return types_.back();
  }

  const Type* parse_type() {
    if (++depth_ > Schema::depth_limit) fail("it nests too deeply");
    const std::size_t from = at_;
    const std::string_view first = word();
    Type* type = nullptr;
    const bool named = peek() == ' ';
    if (named) ++at_;
    if (named && first == "struct") {
      const Type* known = parse_struct(from, type);
      if (known != nullptr) {
        --depth_;
        return known;
      }
    } else if (named && first == "enum") {
      type = parse_enum();
    } else if (named && (first == "user" || first == "boost")) {
      type = &make(first == "user" ? Form::user : Form::boost);
      name();
      if (accept(':')) number();
    } else if (named) {
      fail("a blank stands where none belongs");
    } else {
      type = parse_word(first);
    }
    type->text = text_.substr(from, at_ - from);
    --depth_;
    return type;
  }

  /// The struct around this one that has the same name, or nullptr and a new `type`.
  const Type* parse_struct(std::size_t from, Type*& type) {
    const std::string_view called = name();
    if (peek() != '{') {
      for (auto it = open_.rbegin(); it != open_.rend(); ++it) {
        if (it->name != called) continue;
        it->type->nests = true;
        return it->type;
      }
      type = &make(Form::unknown);
      return nullptr;
    }
    type = &make(Form::tuple);
    type->text = text_.substr(from, at_ - from);  // until it is whole
    open_.push_back({called, type});
    expect('{', "");
    if (!accept('}')) parts_until(*type, '}');
    open_.pop_back();
    return nullptr;
  }

  Type* parse_enum() {
    name();
    expect(':', "an enum without its integer");
    Type& type = make(Form::integer);
    const Type& integer = *parse_type();
    if (integer.form != Form::integer && integer.form != Form::boolean && integer.form != Form::character) {
      fail("an enum of something that is no integer");
    }
    type.form = integer.form == Form::boolean ? Form::boolean : Form::integer;
    type.size = integer.size;
    type.is_signed = integer.is_signed;
    return &type;
  }

  struct Number {
    std::string_view word;
    Form form;
    unsigned size;
    bool is_signed;
  };
  static std::optional<Number> number_called(std::string_view word) {
    using enum Form;
    static constexpr Number numbers[] = {
        {"bool", boolean, 1, false},
        {"byte", integer, 1, false},
        {"i8", integer, 1, true},
        {"i16", integer, 2, true},
        {"i32", integer, 4, true},
        {"i64", integer, 8, true},
        {"u8", integer, 1, false},
        {"u16", integer, 2, false},
        {"u32", integer, 4, false},
        {"u64", integer, 8, false},
        {"f32", floating, 4, true},
        {"f64", floating, 8, true},
        {"f80", floating, 10, true},
        {"f128", floating, 16, true},
        {"char", character, 1, char_is_signed},
        {"char8", character, 1, false},
        {"char16", character, 2, false},
        {"char32", character, 4, false},
        {"wchar", character, sizeof(wchar_t), false},
    };
    for (const Number& n : numbers) {
      if (n.word == word) return n;
    }
    return std::nullopt;
  }
  static constexpr bool char_is_signed = static_cast<char>(-1) < 0;

  Type* parse_word(std::string_view word) {
    if (const auto n = number_called(word)) {
      Type& type = make(n->form);
      type.size = n->size;
      type.is_signed = n->is_signed;
      return &type;
    }
    if (word == "bytes") return &make(Form::bytes);
    if (word == "none") return &make(Form::none);
    if (word == "object") return &make(Form::object);
    if (word == "handle") return &make(Form::handle);
    if (word == "namespace") return &make(Form::name_space);
    for (const char* sync : {"lock", "rlock", "semaphore", "bounded_semaphore", "condition", "event", "barrier"}) {
      if (word == sync) return &make(Form::sync);
    }
    if (word == "str") return parse_text();
    if (word == "array") return parse_array();
    if (word == "bitset") return parse_bitset();
    if (word == "complex") return parse_complex();
    if (word == "duration" || word == "time") return parse_duration(word == "time");
    struct Enclosing {
      std::string_view word;
      Form form;
      std::size_t least, most;
    };
    constexpr std::size_t any = ~std::size_t{0};
    using enum Form;
    static constexpr Enclosing enclosing[] = {
        {"opt", optional, 1, 1},
        {"vec", sequence, 1, 1},
        {"set", sequence, 1, 1},
        {"multiset", sequence, 1, 1},
        {"map", map, 2, 2},
        {"multimap", map, 2, 2},
        {"pair", tuple, 2, 2},
        {"tuple", tuple, 0, any},
        {"variant", variant, 1, any},
        {"list", list, 1, 1},
        {"dict", dict, 2, 2},
        {"value", value, 1, 1},
        {"shared_array", shared_array, 1, 1},
        {"shared_set", shared_set, 1, 1},
        {"queue", queue, 1, 1},
        {"joinable_queue", queue, 1, 1},
        {"simple_queue", queue, 1, 1},
    };
    for (const Enclosing& e : enclosing) {
      if (e.word != word) continue;
      Type& type = make(e.form);
      type.repeats = word == "multimap";
      expect('<', "a '<' is missing");
      if (!accept('>')) parts_until(type, '>');
      if (type.parts.size() < e.least || type.parts.size() > e.most) fail("a type has the wrong number of arguments");
      return &type;
    }
    skip_arguments();
    return &make(Form::unknown);
  }

  void parts_until(Type& type, char close) {
    do {
      type.parts.push_back(parse_type());
    } while (accept(','));
    expect(close, close == '>' ? "a '>' is missing" : "a '}' is missing");
  }

  Type* parse_text() {
    Type& type = make(Form::text);
    if (accept('<')) {
      parts_until(type, '>');
      const Form of = type.parts[0]->form;
      if (type.parts.size() != 1 || (of != Form::character && of != Form::integer)) fail("a string of no characters");
    } else {
      Type& one = make(Form::character);
      one.text = "char";
      one.size = 1;
      one.is_signed = char_is_signed;
      type.parts.push_back(&one);
    }
    return &type;
  }

  Type* parse_array() {
    Type& type = make(Form::array);
    expect('<', "a '<' is missing");
    type.parts.push_back(parse_type());
    expect(',', "an array without its size");
    type.count = number();
    expect('>', "a '>' is missing");
    return &type;
  }

  Type* parse_bitset() {
    Type& type = make(Form::bitset);
    expect('<', "a '<' is missing");
    type.count = number();
    expect('>', "a '>' is missing");
    return &type;
  }

  Type* parse_complex() {
    Type& type = make(Form::tuple);
    expect('<', "a '<' is missing");
    const Type* part = parse_type();
    type.parts = {part, part};
    expect('>', "a '>' is missing");
    return &type;
  }

  /// Shown as the number of its units: duration<i64,1/1000>, time<system,i64,1/1000000000>.
  Type* parse_duration(bool of_clock) {
    expect('<', "a '<' is missing");
    if (of_clock) {
      name();
      expect(',', "a time without its number");
    }
    Type& type = make(Form::integer);
    const Type& count = *parse_type();
    if (count.form != Form::integer && count.form != Form::floating) {
      type.form = Form::unknown;
    } else {
      type.form = count.form;
      type.size = count.size;
      type.is_signed = count.is_signed;
    }
    expect(',', "a duration without its unit");
    number();
    expect('/', "a duration without its unit");
    number();
    expect('>', "a '>' is missing");
    return &type;
  }

  /// Of a word that is not known: whatever it encloses.
  void skip_arguments() {
    if (peek() != '<') return;
    unsigned depth = 0;
    do {
      if (at_ >= text_.size()) fail("a '>' is missing");
      if (text_[at_] == '\'') {
        skip_literal();
        continue;
      }
      if (text_[at_] == '<') ++depth;
      if (text_[at_] == '>') --depth;
      ++at_;
    } while (depth != 0);
  }

  struct Open {
    std::string_view name;
    Type* type;
  };
  std::string_view text_;
  std::deque<Type>& types_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  std::vector<Open> open_;
};

}  // namespace

Schema::Schema(std::string_view description) : root_(Parser(description, types_).parse()) {}

}  // namespace partage::schema
