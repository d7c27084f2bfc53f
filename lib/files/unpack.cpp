#include "files/source.hpp"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

namespace files {
namespace {

constexpr std::size_t input_size = 1U << 16U;
constexpr std::uint64_t most_memory = 256U << 20U;

core::error damaged(std::string const& what, std::string const& cause) {
  return {core::errc::source_unreadable, "cannot unpack " + what + ": " + cause, "fetch or send the file again"};
}

// What the formats share: input is read as the decoder asks for it.
class packed_source : public source {
 public:
  packed_source(std::unique_ptr<source> from, std::string what)
      : from_(std::move(from)), what_(std::move(what)), input_(input_size) {}

 protected:
  core::result<std::size_t> refill() { return from_->read(input_.data(), input_.size()); }
  [[nodiscard]] core::error bad(std::string const& cause) const { return damaged(what_, cause); }
  unsigned char* input() { return reinterpret_cast<unsigned char*>(input_.data()); }

 private:
  std::unique_ptr<source> from_;
  std::string what_;
  std::vector<char> input_;
};

class gzip_source : public packed_source {
 public:
  using packed_source::packed_source;
  ~gzip_source() override { inflateEnd(&stream_); }
  gzip_source(gzip_source const&) = delete;
  gzip_source& operator=(gzip_source const&) = delete;

  core::result<void> start() {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) return bad("no memory");
    return {};
  }

  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    stream_.next_out = reinterpret_cast<unsigned char*>(buffer);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30U));
    auto const asked = stream_.avail_out;
    while (!done_ && stream_.avail_out == asked) TRY(step());
    return static_cast<std::size_t>(asked - stream_.avail_out);
  }

 private:
  core::result<void> step() {
    if (stream_.avail_in == 0) {
      TRY_ASSIGN(auto const n, refill());
      if (n == 0 && !between_members_) return bad("cut short");
      done_ = n == 0;
      if (done_) return {};
      stream_.next_in = input();
      stream_.avail_in = static_cast<uInt>(n);
    }
    if (between_members_ && inflateReset(&stream_) != Z_OK) return bad("no memory");
    between_members_ = false;
    auto const status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END)
      between_members_ = true;  // its CRC and length held; another member may follow
    else if (status != Z_OK && status != Z_BUF_ERROR)
      return bad(stream_.msg != nullptr ? stream_.msg : "not gzip");
    return {};
  }

  z_stream stream_{};
  bool between_members_ = false;
  bool done_ = false;
};

class xz_source : public packed_source {
 public:
  using packed_source::packed_source;
  ~xz_source() override { lzma_end(&stream_); }
  xz_source(xz_source const&) = delete;
  xz_source& operator=(xz_source const&) = delete;

  core::result<void> start() {
    if (lzma_stream_decoder(&stream_, most_memory, LZMA_CONCATENATED) != LZMA_OK) return bad("no memory");
    return {};
  }

  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    stream_.next_out = reinterpret_cast<unsigned char*>(buffer);
    stream_.avail_out = size;
    while (!done_ && stream_.avail_out == size) TRY(step());
    return size - stream_.avail_out;
  }

 private:
  core::result<void> step() {
    if (stream_.avail_in == 0 && !at_end_) {
      TRY_ASSIGN(auto const n, refill());
      at_end_ = n == 0;
      stream_.next_in = input();
      stream_.avail_in = n;
    }
    switch (lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN)) {
      case LZMA_OK:
        return {};
      case LZMA_STREAM_END:
        done_ = true;
        return {};
      case LZMA_BUF_ERROR:
        return bad("cut short");
      case LZMA_MEMLIMIT_ERROR:
        return bad("it needs more than 256 MiB of memory");
      case LZMA_FORMAT_ERROR:
        return bad("not xz");
      default:
        return bad("damaged");
    }
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool at_end_ = false;
  bool done_ = false;
};

class zstd_source : public packed_source {
 public:
  using packed_source::packed_source;
  ~zstd_source() override { ZSTD_freeDCtx(context_); }
  zstd_source(zstd_source const&) = delete;
  zstd_source& operator=(zstd_source const&) = delete;

  core::result<void> start() {
    context_ = ZSTD_createDCtx();  // its own limit is a window of 128 MiB
    if (context_ == nullptr) return bad("no memory");
    return {};
  }

  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    ZSTD_outBuffer out{buffer, size, 0};
    while (!done_ && out.pos == 0) TRY(step(out));
    return out.pos;
  }

 private:
  core::result<void> step(ZSTD_outBuffer& out) {
    if (in_.pos == in_.size && !full_) {
      TRY_ASSIGN(auto const n, refill());
      if (n == 0 && within_frame_) return bad("cut short");
      done_ = n == 0;
      if (done_) return {};
      in_ = {input(), n, 0};
    }
    auto const left = ZSTD_decompressStream(context_, &out, &in_);
    if (ZSTD_isError(left) != 0U) return bad(ZSTD_getErrorName(left));
    within_frame_ = left != 0;  // another frame may follow
    full_ = out.pos == out.size && within_frame_;
    return {};
  }

  ZSTD_DCtx* context_ = nullptr;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool within_frame_ = true;  // an empty file is none
  bool full_ = false;         // more may come without more input
  bool done_ = false;
};

template <class Packed>
core::result<std::unique_ptr<source>> started(std::unique_ptr<source> from, std::string what) {
  auto packed = std::make_unique<Packed>(std::move(from), std::move(what));
  TRY(packed->start());
  return std::unique_ptr<source>(std::move(packed));
}

}  // namespace

core::result<std::unique_ptr<source>> unpack(std::string_view encoding, std::unique_ptr<source> from,
                                             std::string what) {
  if (encoding == "gzip") return started<gzip_source>(std::move(from), std::move(what));
  if (encoding == "xz") return started<xz_source>(std::move(from), std::move(what));
  if (encoding == "zstd") return started<zstd_source>(std::move(from), std::move(what));
  return from;
}

}  // namespace files
