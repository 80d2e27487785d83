#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace simgpu::http {

/// A plain TCP client that can misbehave.
class Client {
 public:
  explicit Client(std::uint16_t port);
  Client(Client&& other) noexcept;
  ~Client();

  /// False when the server has closed the connection.
  bool send(std::string_view bytes);

  /// Reads until `text` has arrived, the server closes the connection, or ten seconds passed; answers all of it.
  std::string readUntil(std::string_view text);

  /// Reads until the server closes the connection.
  std::string readAll();

  /// Whether something to read, or the end, arrives within this time.
  bool hears(int milliseconds);

  void close();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace simgpu::http
