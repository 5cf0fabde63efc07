#include "generated_text.h"

namespace varve::cli {

Result<std::string> GeneratedText(const std::vector<std::string>& words) {
  if (words == std::vector<std::string>{"--man"}) return ManPage();
  if (words.size() == 2 && words[0] == "--completion") {
    if (words[1] == "bash") return BashCompletion();
    if (words[1] == "zsh") return ZshCompletion();
    if (words[1] == "fish") return FishCompletion();
  }
  return InvalidArgument("varve help takes a verb, --man, or --completion bash, zsh or fish");
}

}  // namespace varve::cli
