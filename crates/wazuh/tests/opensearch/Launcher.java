// Starts one real OpenSearch node on a free port of the loopback: its folder is the argument. It says «ready ADDRESS», and ends with its standard input.

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

public final class Launcher {
  private static final class Single extends Node {
    Single(Environment environment, Collection<Class<? extends Plugin>> plugins) {
      super(environment, plugins, false);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Settings settings = Settings.builder()
        .put("path.home", arguments[0])
        .put("network.host", "127.0.0.1")
        .put("http.port", "0")
        .put("transport.port", "0")
        .put("discovery.type", "single-node")
        .put("node.name", "node-1")
        .put("cluster.name", "wazuh-cluster")
        .put("transport.type", "netty4")
        .put("http.type", "netty4")
        // As Wazuh configures it.
        .put("compatibility.override_main_response_version", true)
        // A disk that is nearly full is no reason to refuse a test's few documents.
        .put("cluster.routing.allocation.disk.threshold_enabled", false)
        .build();
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node-1");
    Class<? extends Plugin> netty = Class.forName("org.opensearch.transport.Netty4Plugin").asSubclass(Plugin.class);
    Node node = new Single(environment, List.of(netty));
    node.start();
    System.out.println("ready " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
    System.out.flush();
    while (System.in.read() >= 0) {
      // Until whoever started it is gone.
    }
    node.close();
    System.exit(0);
  }
}
