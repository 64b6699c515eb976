{
  'variables': {
    # For example --sanitize=address,undefined
    'sanitize%': '',
  },
  'targets': [
    {
      'target_name': 'tun_tap_native',
      'sources': ['<!@(ls native/*.cc)'],
      'defines': ['NAPI_VERSION=9', '_GNU_SOURCE'],
      'cflags!': ['-fno-omit-frame-pointer'],
      'cflags': ['-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-fstack-protector-strong'],
      'cflags_cc!': ['-std=gnu++20', '-std=gnu++17'],
      'cflags_cc': ['-std=c++17'],
      'ldflags': ['-Wl,-z,relro,-z,now,-z,noexecstack'],
      'conditions': [
        ['OS!="linux"', { 'sources/': [['exclude', '.*']] }],
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
    },
  ],
}
