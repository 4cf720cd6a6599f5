#include "manager/schema/parse_json.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <partage/error.hpp>
#include <string>
#include <unordered_set>
#include <vector>

namespace partage::schema {
namespace {

namespace json = boost::json;
using boost::system::error_code;

/// What Boost's parser reports, made into a value; but doubles are read by std::from_chars, which rounds correctly.
class Builder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  Builder() { values_.reset(); }
  /// What has been twice in an object is an error from now on.
  void refuse_twins() { keys_.emplace(); }
  /// The first that was.
  const std::optional<std::string>& twin() const { return twin_; }
  json::value release() { return values_.release(); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) {
    values_.push_array(n);
    return true;
  }
  bool on_object_begin(error_code&) {
    if (keys_) keys_->emplace_back();
    return true;
  }
  bool on_object_end(std::size_t n, error_code&) {
    values_.push_object(n);
    if (keys_) keys_->pop_back();
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    values_.push_chars(part);
    if (keys_) key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& error) {
    values_.push_key(part);
    if (!keys_) return true;
    key_.append(part.data(), part.size());
    if (!keys_->back().insert(key_).second) {
      twin_ = key_;
      error = json::make_error_code(json::error::syntax);
    }
    key_.clear();
    return !twin_;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    values_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    values_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view part, error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view, error_code&) {
    number_.clear();
    values_.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, error_code&) {
    number_.clear();
    values_.push_uint64(u);
    return true;
  }
  bool on_double(double rough, json::string_view part, error_code& error) {
    number_.append(part.data(), part.size());
    double exact = 0;
    const auto result = std::from_chars(number_.data(), number_.data() + number_.size(), exact);
    if (result.ec == std::errc::result_out_of_range) {
      if (std::fabs(rough) >= 1) {
        error = json::error::exponent_overflow;
        return false;
      }
      exact = number_.starts_with('-') ? -0.0 : 0.0;  // smaller than any double
    }
    number_.clear();
    values_.push_double(exact);
    return true;
  }
  bool on_bool(bool b, error_code&) {
    values_.push_bool(b);
    return true;
  }
  bool on_null(error_code&) {
    values_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  json::value_stack values_;
  std::optional<std::vector<std::unordered_set<std::string>>> keys_;  // of the objects that are open
  std::string key_;
  std::optional<std::string> twin_;
  std::string number_;
};

struct Parsed {
  json::value value;
  std::size_t end = 0;  // where it went wrong
  error_code error;
  std::optional<std::string> twin;  // a key that an object has twice
};

Parsed parse(std::string_view text, std::size_t most_depth, bool refuse_twins) {
  json::parse_options options;
  options.max_depth = most_depth;
  json::basic_parser<Builder> parser(options);
  if (refuse_twins) parser.handler().refuse_twins();
  Parsed parsed;
  parsed.end = parser.write_some(false, text.data(), text.size(), parsed.error);
  parsed.twin = parser.handler().twin();
  if (parsed.error) return parsed;
  parsed.end = std::min(text.find_first_not_of(" \t\r\n", parsed.end), text.size());
  if (parsed.end != text.size()) {
    parsed.error = json::make_error_code(json::error::extra_data);
  } else {
    parsed.value = parser.handler().release();
  }
  return parsed;
}

[[noreturn]] void refuse(std::string_view text, std::size_t at, const std::string& why) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 = 0
  throw ValueError("partage: " + why + ", at line " + std::to_string(line) + ", byte " +
                   std::to_string(at - start + 1));
}

}  // namespace

json::value parse_json(std::string_view text, std::size_t most_depth) {
  Parsed parsed = parse(text, most_depth, true);
  if (parsed.twin) refuse(text, parsed.end, "a JSON object has the key \"" + *parsed.twin + "\" twice");
  if (parsed.error) refuse(text, parsed.end, "this is no JSON: " + parsed.error.message());
  return std::move(parsed.value);
}

std::optional<json::value> parse_json_if(std::string_view text, std::size_t most_depth) {
  Parsed parsed = parse(text, most_depth, false);
  return parsed.error ? std::nullopt : std::optional(std::move(parsed.value));
}

}  // namespace partage::schema
