"""The same verbs over tables of exchanges on an Apache Spark cluster: for logs that outgrow one machine.

Rows lie as Parquet in a store that all machines see and are read there through Arrow; Spark spreads the work, joins and
sorts. Nothing imports this unless an engine is asked for.
"""

from headwater.engine.spark.cluster import Cluster
from headwater.engine.spark.laid import Spark
from headwater.engine.spark.rows import Rows
from headwater.engine.spark.session import check_master, connect
from headwater.engine.spark.store import Store, is_uri

__all__ = ["Cluster", "Rows", "Spark", "Store", "check_master", "connect", "is_uri"]
