-- Scripts run inside Redis: Lua 5.1, the libraries that Redis adds, and KEYS and ARGV.
std = 'lua51+redis'
max_line_length = 120

stds.redis = {
  read_globals = {
    'KEYS', 'ARGV', 'cjson', 'cmsgpack', 'bit', 'struct',
    redis = {
      fields = {
        'call', 'pcall', 'error_reply', 'status_reply', 'sha1hex', 'log', 'setresp', 'acl_check_cmd',
        'LOG_DEBUG', 'LOG_VERBOSE', 'LOG_NOTICE', 'LOG_WARNING', 'REDIS_VERSION', 'REDIS_VERSION_NUM',
      },
    },
  },
}

-- Of Lua 5.1, but taken away by Redis. Of os it leaves the clock only: the time of day is TIME's.
not_globals = { 'dofile', 'io', 'loadfile', 'module', 'newproxy', 'os', 'package', 'print', 'require' }
