// A TCP socket that listens on a free port of this machine. Owner: the object. Threads: any. Failure: it ends the test.
#pragma once

namespace ride::test {

class LoopbackListener {
 public:
  LoopbackListener();
  ~LoopbackListener();
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  int socket() const { return socket_; }
  int port() const { return port_; }
  int accept() const;  // the next connection; its caller closes it

 private:
  int socket_ = -1, port_ = 0;
};

}  // namespace ride::test
