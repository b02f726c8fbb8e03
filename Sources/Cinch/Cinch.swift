@_exported public import CinchCodegen
@_exported public import CinchGraph
@_exported public import CinchRunner
