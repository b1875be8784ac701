// SPDX-License-Identifier: Apache-2.0
// The least that a server can be with Beast: one thread, keep-alive, every GET answered with the same bytes from memory. It is what bench/run http measures
// jzsed's small reads against: whatever a store and its promises cost comes on top of this.
//
//   jzse-bench-beast BYTES      serves on a free port of 127.0.0.1 and prints it
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const std::string& content) : stream_(std::move(socket)), content_(content) {
    stream_.socket().set_option(tcp::no_delay(true));
  }

  void Read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_, [self = shared_from_this()](const error_code& error, size_t) {
      if (!error) self->Write();
    });
  }

 private:
  void Write() {
    response_ = http::response<http::span_body<const char>>(http::status::ok, request_.version());
    response_.set(http::field::content_type, "application/octet-stream");
    response_.body() = {content_.data(), content_.size()};
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](const error_code& error, size_t) {
      if (!error && self->response_.keep_alive()) self->Read();
    });
  }

  beast::tcp_stream stream_;
  const std::string& content_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::span_body<const char>> response_;
};

void Accept(tcp::acceptor& acceptor, const std::string& content) {
  acceptor.async_accept([&](const error_code& error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket), content)->Read();
    Accept(acceptor, content);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string content(static_cast<size_t>(std::strtoull(argv[1], nullptr, 10)), 'x');
  asio::io_context context{1};
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  Accept(acceptor, content);
  context.run();
  return 0;
}
