<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.5 (Python 3.11.7 on linux)" generated="2026-11-21T19:48:20.808989" rpa="false" schemaversion="5">
<suite id="s1" name="Cart &amp; Fail">
<suite id="s1-s1" name="Cart" source="/ci/shop/orders/cart.robot">
<test id="s1-s1-t1" name="Cart Accepts An Order" line="5">
<kw name="Should Be Equal As Integers" owner="BuiltIn">
<arg>${1 + 1}</arg>
<arg>2</arg>
<doc>Fails if objects are unequal after converting them to integers.</doc>
<status status="NOT RUN" start="2026-11-21T19:48:20.859107" elapsed="0.000441"/>
</kw>
<tag>positive</tag>
<status status="PASS" start="2026-11-21T19:48:20.857827" elapsed="0.001932"/>
</test>
<test id="s1-s1-t2" name="Cart Refuses An Empty Order" line="9">
<kw name="Run Keyword And Expect Error" owner="BuiltIn">
<kw name="Fail" owner="BuiltIn">
<arg>empty</arg>
<doc>Fails the test or task with the given message and optionally alters its tags.</doc>
<status status="NOT RUN" start="2026-11-21T19:48:20.861481" elapsed="0.000374"/>
</kw>
<arg>*</arg>
<arg>Fail</arg>
<arg>empty</arg>
<doc>Runs the keyword and checks that the expected error occurred.</doc>
<status status="PASS" start="2026-11-21T19:48:20.860707" elapsed="0.001237"/>
</kw>
<tag>negative</tag>
<status status="PASS" start="2026-11-21T19:48:20.860129" elapsed="0.001987"/>
</test>
<test id="s1-s1-t3" name="Cart Is Not Ready" line="13">
<kw name="Skip" owner="BuiltIn">
<arg>not ready</arg>
<doc>Stops the current test or task and sets its status to SKIP.</doc>
<status status="NOT RUN" start="2026-11-21T19:48:20.862839" elapsed="0.000358"/>
</kw>
<status status="PASS" start="2026-11-21T19:48:20.862372" elapsed="0.000999"/>
</test>
<doc>The cart of a shop.</doc>
<status status="PASS" start="2026-11-21T19:48:20.855963" elapsed="0.007988"/>
</suite>
<suite id="s1-s2" name="Fail" source="/ci/shop/fail.robot">
<test id="s1-s2-t1" name="Adds" line="2">
<kw name="Should Be Equal As Integers" owner="BuiltIn">
<arg>${1 + 1}</arg>
<arg>3</arg>
<doc>Fails if objects are unequal after converting them to integers.</doc>
<status status="NOT RUN" start="2026-11-21T19:48:20.866869" elapsed="0.000357"/>
</kw>
<status status="PASS" start="2026-11-21T19:48:20.866387" elapsed="0.001007"/>
</test>
<test id="s1-s2-t2" name="Loops" line="4">
<for flavor="IN">
<iter>
<kw name="Log" owner="BuiltIn">
<arg>${x}</arg>
<doc>Logs the given message with the given level.</doc>
<status status="NOT RUN" start="2026-11-21T19:48:20.868480" elapsed="0.000316"/>
</kw>
<var name="${x}"/>
<status status="PASS" start="2026-11-21T19:48:20.868225" elapsed="0.000635"/>
</iter>
<var>${x}</var>
<value>1</value>
<value>2</value>
<status status="PASS" start="2026-11-21T19:48:20.868026" elapsed="0.000885"/>
</for>
<status status="PASS" start="2026-11-21T19:48:20.867615" elapsed="0.001449"/>
</test>
<status status="PASS" start="2026-11-21T19:48:20.864502" elapsed="0.004881"/>
</suite>
<status status="PASS" start="2026-11-21T19:48:20.810298" elapsed="0.059664"/>
</suite>
<statistics>
<total>
<stat pass="5" fail="0" skip="0">All Tests</stat>
</total>
<tag>
<stat pass="1" fail="0" skip="0">negative</stat>
<stat pass="1" fail="0" skip="0">positive</stat>
</tag>
<suite>
<stat name="Cart &amp; Fail" id="s1" pass="5" fail="0" skip="0">Cart &amp; Fail</stat>
<stat name="Cart" id="s1-s1" pass="3" fail="0" skip="0">Cart &amp; Fail.Cart</stat>
<stat name="Fail" id="s1-s2" pass="2" fail="0" skip="0">Cart &amp; Fail.Fail</stat>
</suite>
</statistics>
<errors>
</errors>
</robot>
