#include "kube/curl_setup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace simgpu::kube {
namespace {

/// A peer that has not acknowledged anything for so long is gone. Without this, a connection cut by a firewall would
/// take every request with it until its deadline.
constexpr int kPeerGoneMilliseconds = 20000;

/// How long a connection may take to come up, TLS included: other requests may wait for it to share it.
constexpr long kConnectMilliseconds = 10000;

/// Options of one handle; remembers the first that curl refuses.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}

  template <typename T>
  void set(CURLoption option, T value) {
    if (auto code = curl_easy_setopt(easy_, option, value); code != CURLE_OK && code_ == CURLE_OK) {
      code_ = code;
    }
  }

  void setBlob(CURLoption option, const std::string& data) {
    if (!data.empty()) {
      // The identity may change while the transfer runs: curl keeps a copy.
      curl_blob blob{const_cast<char*>(data.data()), data.size(), CURL_BLOB_COPY};
      set(option, &blob);
    }
  }

  CURLcode code() const { return code_; }

 private:
  CURL* easy_;
  CURLcode code_ = CURLE_OK;
};

std::size_t onHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  transfer->header({data, size * count}, transfer->clock->now());
  return size * count;
}

std::size_t onBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  return transfer->body({data, size * count}, transfer->clock->now()) ? size * count : CURL_WRITEFUNC_ERROR;
}

int onSocket(void* /*user*/, curl_socket_t socket, curlsocktype /*purpose*/) {
  int timeout = kPeerGoneMilliseconds;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
  return CURL_SOCKOPT_OK;
}

void setMethod(Options& options, const HttpRequest& request) {
  if (request.method == "GET") {
    options.set(CURLOPT_HTTPGET, 1L);
    return;
  }
  options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty() || request.method == "POST") {
    options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    options.set(CURLOPT_POSTFIELDS, request.body.data());
  }
}

CurlList headersOf(const HttpRequest& request, const Endpoint& endpoint, const Identity& identity) {
  std::vector<std::string> lines{"Accept: " + request.accept, "Expect:"};
  if (!request.body.empty()) {
    lines.push_back("Content-Type: " + request.contentType);
  }
  if (!identity.authorization.empty()) {
    lines.push_back("Authorization: " + identity.authorization);
  }
  if (!endpoint.authority.empty()) {
    lines.push_back("Host: " + endpoint.authority);
  }
  curl_slist* list = nullptr;
  for (const auto& line : lines) {
    list = curl_slist_append(list, line.c_str());
  }
  return CurlList(list);
}

void setConnection(Options& options, Transfer& transfer, const Endpoint& endpoint, bool fresh) {
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.set(CURLOPT_QUICK_EXIT, 1L);
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.set(CURLOPT_PATH_AS_IS, 1L);
  options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Without TLS there is no HTTP/2 to wait for.
  options.set(CURLOPT_PIPEWAIT, endpoint.baseUrl.starts_with("https:") ? 1L : 0L);
  options.set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  options.set(CURLOPT_TCP_KEEPALIVE, 1L);
  options.set(CURLOPT_TCP_KEEPIDLE, 30L);
  options.set(CURLOPT_TCP_KEEPINTVL, 15L);
  options.set(CURLOPT_SOCKOPTFUNCTION, onSocket);
  options.set(CURLOPT_FRESH_CONNECT, fresh || transfer.streaming() ? 1L : 0L);
  options.set(CURLOPT_FORBID_REUSE, transfer.streaming() ? 1L : 0L);
  // A watch names its peer explicitly, which curl never mixes with connections that do not: that keeps other requests
  // off its HTTP/2 connection.
  if (transfer.streaming() || !endpoint.authority.empty()) {
    transfer.connectTo.reset(curl_slist_append(nullptr, ("::" + endpoint.connectTo).c_str()));
    options.set(CURLOPT_CONNECT_TO, transfer.connectTo.get());
  }
  options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (endpoint.noProxy) {
    options.set(CURLOPT_NOPROXY, "*");
  } else if (!endpoint.proxyUrl.empty()) {
    options.set(CURLOPT_PROXY, endpoint.proxyUrl.c_str());
    options.set(CURLOPT_NOPROXY, "");
  }
}

void setTls(Options& options, const Endpoint& endpoint, const Identity& identity) {
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  options.set(CURLOPT_SSL_VERIFYPEER, endpoint.insecureSkipTlsVerify ? 0L : 1L);
  options.set(CURLOPT_SSL_VERIFYHOST, endpoint.insecureSkipTlsVerify ? 0L : 2L);
  if (!identity.authority.empty()) {
    options.setBlob(CURLOPT_CAINFO_BLOB, identity.authority);
    // Else the system's authorities would be trusted beside the cluster's.
    options.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  options.setBlob(CURLOPT_SSLCERT_BLOB, identity.certificate);
  options.setBlob(CURLOPT_SSLKEY_BLOB, identity.key);
}

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string partOf(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) {
    return {};
  }
  std::string result(text);
  curl_free(text);
  return result;
}

std::string trustOf(const Config& config) {
  const auto& authority = config.certificateAuthority;
  if (authority.empty()) {
    return "the system's certificate authorities";
  }
  return "the certificate authority " +
         (authority.file.empty() ? "in " + config.origin : "in " + authority.file.string());
}

}  // namespace

Result<Endpoint> endpointOf(const Config& config, std::string userAgent) {
  std::unique_ptr<CURLU, UrlFree> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, config.server.c_str(), 0) != CURLUE_OK) {
    return unexpected(Status::invalidArgument("{}: the server \"{}\" is not a URL", config.origin, config.server));
  }
  auto scheme = partOf(url.get(), CURLUPART_SCHEME);
  auto host = partOf(url.get(), CURLUPART_HOST);
  auto port = partOf(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if ((scheme != "http" && scheme != "https") || host.empty() || port.empty()) {
    return unexpected(
        Status::invalidArgument("{}: the server \"{}\" is not an http or https URL", config.origin, config.server));
  }
  Endpoint endpoint;
  endpoint.server = config.server;
  endpoint.baseUrl = config.server;
  endpoint.connectTo = fmt::format("{}:{}", host, port);
  if (!config.tlsServerName.empty() && scheme == "https") {
    endpoint.authority = endpoint.connectTo;
    auto path = partOf(url.get(), CURLUPART_PATH);
    endpoint.baseUrl = fmt::format("https://{}:{}{}", config.tlsServerName, port, path);
  }
  while (endpoint.baseUrl.ends_with('/')) {
    endpoint.baseUrl.pop_back();
  }
  endpoint.insecureSkipTlsVerify = config.insecureSkipTlsVerify;
  endpoint.proxyUrl = config.proxyUrl;
  endpoint.noProxy = config.noProxy;
  endpoint.userAgent = std::move(userAgent);
  endpoint.trust = trustOf(config);
  return endpoint;
}

Status setUp(Transfer& transfer, const Endpoint& endpoint, const Identity& identity, bool fresh) {
  const auto& request = transfer.request();
  transfer.restart();
  transfer.errorText.fill('\0');
  transfer.easy.reset(curl_easy_init());
  if (!transfer.easy) {
    return Status::resourceExhausted("curl has no memory for another transfer");
  }
  Options options(transfer.easy.get());
  options.set(CURLOPT_URL, (endpoint.baseUrl + request.target).c_str());
  options.set(CURLOPT_PRIVATE, &transfer);
  options.set(CURLOPT_ERRORBUFFER, transfer.errorText.data());
  options.set(CURLOPT_HEADERFUNCTION, onHeader);
  options.set(CURLOPT_HEADERDATA, &transfer);
  options.set(CURLOPT_WRITEFUNCTION, onBody);
  options.set(CURLOPT_WRITEDATA, &transfer);
  setMethod(options, request);
  transfer.headers = headersOf(request, endpoint, identity);
  options.set(CURLOPT_HTTPHEADER, transfer.headers.get());
  options.set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // a proxy must not see the token
  options.set(CURLOPT_USERAGENT, endpoint.userAgent.c_str());
  setConnection(options, transfer, endpoint, fresh);
  setTls(options, endpoint, identity);
  return options.code() == CURLE_OK
             ? Status()
             : Status::internal("curl refuses an option: {}", curl_easy_strerror(options.code()));
}

bool concernsCertificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CONNECT_ERROR;
}

Status statusOfCurl(CURLcode code, const Transfer& transfer, const Endpoint& endpoint) {
  std::string_view reason = transfer.errorText[0] ? transfer.errorText.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Status::unavailable("the certificate of the API server {} is not trusted by {}: {}", endpoint.server,
                                 endpoint.trust, reason);
    case CURLE_SSL_CACERT_BADFILE:
      return Status::unavailable("cannot verify the API server {}: {} cannot be used: {}", endpoint.server,
                                 endpoint.trust, reason);
    case CURLE_SSL_CERTPROBLEM:
      return Status::unavailable("cannot connect to the API server {}: the client certificate cannot be used: {}",
                                 endpoint.server, reason);
    default:
      break;
  }
  if (transfer.status() != 0) {
    return Status::unavailable("the API server {} broke off its answer: {}", endpoint.server, reason);
  }
  return Status::unavailable("the API server {} cannot be reached: {}", endpoint.server, reason);
}

}  // namespace simgpu::kube
