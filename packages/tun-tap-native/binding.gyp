{
  'variables': {
    # For example --sanitize=address,undefined
    'sanitize%': '',
    # 1: an engine that works twice, for bench/regression.ts to find. Only build.mjs --slow-aead asks for it, in a folder of its own.
    'slow_aead%': 0,
  },
  'target_defaults': {
    'defines': ['_GNU_SOURCE'],
    'cflags!': ['-fno-omit-frame-pointer'],
    'cflags': ['-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-fstack-protector-strong'],
    'cflags_cc!': ['-std=gnu++20', '-std=gnu++17'],
    'cflags_cc': ['-std=c++17'],
    'ldflags': ['-Wl,-z,relro,-z,now,-z,noexecstack'],
    'conditions': [
      ['sanitize!=""', {
        'cflags': ['-fsanitize=<(sanitize)', '-fno-omit-frame-pointer', '-fno-sanitize-recover=undefined', '-g', '-O1'],
        'ldflags': ['-fsanitize=<(sanitize)'],
      }, {
        'configurations': {
          # Undefined first: some distributions' compilers define it by themselves. It needs optimisation.
          'Release': { 'cflags': ['-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'] },
        },
      }],
    ],
    'target_conditions': [
      ['OS!="linux"', { 'sources/': [['exclude', '.*']] }],
    ],
  },
  'targets': [
    {
      # The data plane: C++, Linux and the libcrypto that Node exports, and nothing of Node-API.
      'target_name': 'plane',
      'type': 'static_library',
      'sources': ['<!@(ls native/plane/*.cc)'],
      'conditions': [['slow_aead==1', {'defines': ['PQTUN_SLOW_AEAD']}]],
    },
    {
      # What moves its packets: TUN, sockets and a thread. Nothing of Node-API either.
      'target_name': 'loop',
      'type': 'static_library',
      'dependencies': ['plane'],
      'sources': ['<!@(ls native/loop/*.cc)'],
      'include_dirs': ['native'],
    },
    {
      'target_name': 'tun_tap_native',
      'dependencies': ['loop', 'plane'],
      'sources': ['<!@(ls native/*.cc)'],
      'include_dirs': ['native'],
      'defines': ['NAPI_VERSION=9'],
    },
  ],
  'conditions': [
    # In a checkout only: lets the tests drive single classes of the plane.
    ['"<!(test -d native/testing && echo yes || echo no)"=="yes"', {
      'targets': [
        {
          'target_name': 'plane_testing',
          'dependencies': ['loop', 'plane'],
          'sources': [
            '<!@(ls native/testing/*.cc)',
            'native/aead_edge.cc', 'native/capabilities.cc', 'native/js.cc', 'native/os_error.cc', 'native/plane_verbs.cc', 'native/udp_address.cc', 'native/udp_socket.cc',
          ],
          'include_dirs': ['native'],
          'defines': ['NAPI_VERSION=9'],
        },
      ],
    }],
  ],
}
